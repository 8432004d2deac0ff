import { ViceError, type ErrorCode } from '#libs/errors';

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
  says: (where: string, detail: string) => string;
}

const unreachable = (says: Meaning['says']): Meaning => ({ code: 'ENVIRONMENT_UNREACHABLE', says });
const misconfigured = (says: Meaning['says']): Meaning => ({ code: 'ENVIRONMENT_MISCONFIGURED', says });
const refused = (says: Meaning['says']): Meaning => ({ code: 'CREDENTIALS_REFUSED', says });

const brokeOff = unreachable((where) => `the connection to the engine at ${where} broke off`);
const notTrusted = misconfigured(
  (where, detail) =>
    `the certificate of the engine at ${where} is not trusted (${detail}); give its authority as credentials.specifics.ca`,
);
const certificateRefused = refused(
  (where) => `the engine at ${where} refuses the TLS client certificate, or misses one: credentials.specifics cert and key`,
);

/** What the errors of sockets, TLS and SSH mean to a user, by `code`. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: unreachable((where) => `nothing listens at ${where}: the connection was refused`),
  ENOENT: unreachable((where) => `there is no socket ${where}: does the engine run?`),
  ENOTFOUND: unreachable((where) => `the name of the host in ${where} is not known`),
  EAI_AGAIN: unreachable((where) => `the name of the host in ${where} could not be looked up`),
  ETIMEDOUT: unreachable((where) => `the engine at ${where} does not answer in time`),
  EHOSTUNREACH: unreachable((where) => `there is no way to the host of ${where}`),
  ENETUNREACH: unreachable((where) => `there is no way to the network of ${where}`),
  ECONNRESET: brokeOff,
  EPIPE: brokeOff,
  ERR_STREAM_PREMATURE_CLOSE: brokeOff,
  EACCES: misconfigured((where) => `this server is not permitted to open the socket ${where}`),
  ENOTSOCK: misconfigured((where) => `${where} is no socket`),
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  CERT_HAS_EXPIRED: misconfigured((where) => `the certificate of the engine at ${where} has expired`),
  CERT_NOT_YET_VALID: misconfigured((where) => `the certificate of the engine at ${where} is not valid yet`),
  ERR_TLS_CERT_ALTNAME_INVALID: misconfigured(
    (where, detail) => `the certificate of the engine at ${where} is for another host: ${detail}`,
  ),
  ERR_SSL_WRONG_VERSION_NUMBER: misconfigured(
    (where) => `what answers at ${where} does not speak TLS; use http:// or tcp:// without certificates`,
  ),
  EPROTO: misconfigured((where, detail) => `TLS with ${where} failed: ${detail}`),
  'client-authentication': refused((where) => `${where} refuses the SSH key in credentials.specifics.sshKey for this user`),
  'client-timeout': unreachable((where) => `${where} does not answer over SSH in time`),
  'client-socket': brokeOff,
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
  const meaning = MEANINGS[code] ?? MEANINGS[level];
  if (meaning) return new ViceError(meaning.code, meaning.says(where, message), { cause: error });
  if (code.startsWith('HPE_')) {
    return new ViceError('ENVIRONMENT_MISCONFIGURED', `what answers at ${where} is no Docker Engine: it does not speak HTTP`, {
      cause: error,
    });
  }
  if (/^ERR_SSL_.*(ALERT|CERTIFICATE)/.test(code))
    return new ViceError(certificateRefused.code, certificateRefused.says(where, message), { cause: error });
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
