import { ViceError, type ErrorCode } from '#libs/errors';
import { connectionError } from '../connection-errors.js';

/** An engine answered with a status that is no success. */
export class EngineAnswer extends Error {
  /** Seconds. */
  readonly retryAfter?: number;
  /** Whether the status was one of success, and the failure came after it. */
  readonly inStream: boolean;

  constructor(
    readonly status: number,
    message: string,
    { retryAfter, inStream = false }: { retryAfter?: number; inStream?: boolean } = {},
  ) {
    super(message);
    this.retryAfter = retryAfter;
    this.inStream = inStream;
  }
}

interface Meaning {
  code: ErrorCode;
  says: (where: string) => string;
}

/** What the errors of local sockets and of SSH mean to a user, by `code` or `level`. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOENT: { code: 'ENVIRONMENT_UNREACHABLE', says: (where) => `there is no socket ${where}: does the engine run?` },
  EACCES: { code: 'ENVIRONMENT_MISCONFIGURED', says: (where) => `this server is not permitted to open the socket ${where}` },
  ENOTSOCK: { code: 'ENVIRONMENT_MISCONFIGURED', says: (where) => `${where} is no socket` },
  'client-authentication': {
    code: 'CREDENTIALS_REFUSED',
    says: (where) => `${where} refuses the SSH key in credentials.specifics.sshKey for this user`,
  },
  'client-timeout': { code: 'ENVIRONMENT_UNREACHABLE', says: (where) => `${where} does not answer over SSH in time` },
  'client-socket': { code: 'ENVIRONMENT_UNREACHABLE', says: (where) => `the connection to the engine at ${where} broke off` },
};

const ENGINE = {
  name: 'the engine',
  kind: 'Docker Engine',
  authority: 'credentials.specifics.ca',
  withoutTls: 'use http:// or tcp:// without certificates',
};

/** The engine's words for what our table has words for. They are the same in all releases. */
const ANSWERS: readonly { pattern: RegExp; code: ErrorCode }[] = [
  { pattern: /no space left on device/i, code: 'ENVIRONMENT_FAILED' },
  { pattern: /client sent an HTTP request to an HTTPS server/i, code: 'ENVIRONMENT_MISCONFIGURED' },
];

/** Any error in the dealings with an engine, in words for the user. `where` is the location, `doing` what was tried: "list the images". */
export function engineError(error: unknown, where: string, doing: string): ViceError {
  if (error instanceof ViceError) return error;
  if (error instanceof EngineAnswer) return answered(error, doing);
  const { code: ofAnyKind, message = String(error), level = '' } = error as { code?: unknown; message?: string; level?: string };
  const code = String(ofAnyKind ?? '');
  const ofConnection = connectionError(error, { ...ENGINE, where });
  if (ofConnection) return ofConnection;
  const meaning = MEANINGS[code] ?? MEANINGS[level];
  if (meaning) return new ViceError(meaning.code, meaning.says(where), { cause: error });
  if (/^ERR_SSL_.*(ALERT|CERTIFICATE)/.test(code)) {
    return new ViceError(
      'CREDENTIALS_REFUSED',
      `the engine at ${where} refuses the TLS client certificate, or misses one: credentials.specifics cert and key`,
      { cause: error },
    );
  }
  return new ViceError('ENVIRONMENT_UNREACHABLE', `could not ${doing}: ${message}`, { cause: error });
}

function answered(answer: EngineAnswer, doing: string): ViceError {
  const { status, message, retryAfter } = answer;
  const cause = answer;
  const said = `could not ${doing}: the engine says "${message}"`;
  const known = ANSWERS.find(({ pattern }) => pattern.test(message));
  if (known?.code === 'ENVIRONMENT_MISCONFIGURED') {
    return new ViceError(
      known.code,
      'the engine speaks TLS there: use https://, or tcp:// with credentials.specifics ca, cert and key',
    );
  }
  if (known) return new ViceError(known.code, said, { cause });
  if (status >= 300 && status < 400) {
    return new ViceError(
      'ENVIRONMENT_MISCONFIGURED',
      `what answers is no Docker Engine: it redirects (${status}), and redirects are not followed`,
    );
  }
  if (status === 401 || status === 403 || status === 407) return new ViceError('CREDENTIALS_REFUSED', said, { cause });
  if (status === 404) return new ViceError('REMOTE_IMAGE_NOT_FOUND', said, { cause });
  if (status === 408 || status === 429 || status === 503) return new ViceError('ENVIRONMENT_BUSY', said, { cause, retryAfter });
  return new ViceError(status < 500 ? 'ENVIRONMENT_REFUSED' : 'ENVIRONMENT_FAILED', said, { cause });
}
