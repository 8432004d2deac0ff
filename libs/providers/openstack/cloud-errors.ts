import { ViceError, type ErrorCode } from '#libs/errors';

/** A service of the cloud answered with a status that is no success. */
export class CloudRefusal extends Error {
  constructor(
    /** "the image service" */
    readonly service: string,
    readonly status: number,
    /** In the service's own words. */
    readonly said: string,
    /** Seconds. */
    readonly retryAfter?: number,
  ) {
    super(`${service} answered ${status}: ${said}`);
  }
}

/** Any error in the dealings with a cloud, in words for the user. `doing` is what was tried: "list the images". */
export function cloudError(error: unknown, doing: string): ViceError {
  if (error instanceof ViceError) return error;
  if (error instanceof CloudRefusal) {
    const { status, service, said, retryAfter } = error;
    const message = `could not ${doing}: ${service} says "${said}" (${status})`;
    return new ViceError(codeOf(error), message, { cause: error, ...(retryAfter !== undefined && { retryAfter }) });
  }
  const { message = String(error) } = error as Partial<Error>;
  return new ViceError('ENVIRONMENT_UNREACHABLE', `could not ${doing}: ${message}`, { cause: error });
}

/** The refusal that an error in words for the user is about; null: it is about something else. */
export function refusalIn(error: unknown): CloudRefusal | null {
  return error instanceof ViceError && error.cause instanceof CloudRefusal ? error.cause : null;
}

function codeOf({ status, retryAfter }: CloudRefusal): ErrorCode {
  if (status === 401) return 'CREDENTIALS_REFUSED';
  if (status === 404) return 'REMOTE_IMAGE_NOT_FOUND';
  // 409: in use, or in a state that passes. 413 with a time to wait is how older services limit the rate; without, it is a quota.
  if ([408, 409, 425, 429, 503].includes(status) || (status === 413 && retryAfter !== undefined)) return 'ENVIRONMENT_BUSY';
  if (status >= 300 && status < 400) return 'ENVIRONMENT_MISCONFIGURED';
  return status < 500 ? 'ENVIRONMENT_REFUSED' : 'ENVIRONMENT_FAILED';
}

/** The reason in the body of a refusal: JSON of Keystone and Nova, JSON or a page of Glance, a page of whatever stands before them. */
export function reasonIn(body: string, status: number): string {
  const text = messageInJson(body) ?? textOfPage(body);
  return text === '' ? `HTTP status ${status}` : text.slice(0, 300);
}

function messageInJson(body: string): string | null {
  try {
    const found = deepMessage(JSON.parse(body), 3);
    return found === null ? '' : textOfPage(found);
  } catch {
    return null;
  }
}

/** `{"error": {"message": …}}`, `{"itemNotFound": {"message": …}}`, `{"NeutronError": {…}}`, `{"message": …}` */
function deepMessage(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null || depth === 0) return null;
  const { message } = value as { message?: unknown };
  if (typeof message === 'string' && message !== '') return message;
  for (const inner of Object.values(value)) {
    const found = deepMessage(inner, depth - 1);
    if (found !== null) return found;
  }
  return null;
}

const textOfPage = (page: string): string =>
  page
    .replace(/<(head|style|script)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#(\d{1,6});/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replace(/&#x([0-9a-f]{1,5});/gi, (_, code: string) => String.fromCodePoint(parseInt(code, 16)))
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
    .replace(/\s+/g, ' ')
    .trim();

/** Seconds, of a `Retry-After` that says seconds or a date. */
export function retryAfterOf(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  const seconds = /^\s*\d+\s*$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - now) / 1000);
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
