import { HttpException } from '@nestjs/common';
import { type Problem } from '#libs/contracts';
import { ERROR_CODES, ViceError, type ErrorCode } from '#libs/errors';

/** Their messages are for those who run the service. */
const HIDDEN: readonly ErrorCode[] = ['INTERNAL', 'CONFIGURATION'];

/** What Nest and Fastify raise themselves, by its status. */
const OF_STATUS: Readonly<Record<number, { code: ErrorCode; message: string }>> = {
  404: { code: 'NOT_FOUND', message: 'there is nothing at this path; /docs shows what there is' },
  413: { code: 'BODY_TOO_LARGE', message: 'the body is larger than 1 MiB' },
  414: { code: 'NOT_FOUND', message: 'there is nothing at this path; /docs shows what there is' },
  415: { code: 'UNSUPPORTED_MEDIA_TYPE', message: 'send application/json or application/xml' },
};

/** Whatever was raised, as an error of ours. What nobody foresaw is INTERNAL, with the original as its cause. */
export function asViceError(error: unknown): ViceError {
  if (!(error instanceof HttpException)) return ViceError.from(error);
  const known = OF_STATUS[error.getStatus()];
  if (known) return new ViceError(known.code, known.message, { cause: error });
  if (error.getStatus() < 500) return new ViceError('MALFORMED_REQUEST', error.message, { cause: error });
  return ViceError.from(error);
}

export function isHidden(error: ViceError): boolean {
  return HIDDEN.includes(error.code);
}

/** RFC 9457. */
export function problemOf(error: ViceError): Problem {
  const { status, title } = ERROR_CODES[error.code];
  return {
    type: 'about:blank',
    title,
    status,
    detail: isHidden(error) ? 'an internal error occurred; it has been logged' : error.message,
    code: error.code,
    ...(error.fields && { fields: error.fields }),
  };
}

/** The headers that belong to an error, besides its content type. */
export function headersOf(error: ViceError, allow: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  const retryAfter = error.retryAfter ?? (error.status === 503 ? DEFAULT_RETRY_SECONDS : undefined);
  if (retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfter)));
  if (error.status === 401) headers['www-authenticate'] = 'Basic realm="ViCE Image Registry", charset="UTF-8"';
  if (error.status === 405 && allow) headers['allow'] = allow;
  return headers;
}

const DEFAULT_RETRY_SECONDS = 5;
