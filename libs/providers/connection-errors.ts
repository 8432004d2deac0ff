import { ViceError, type ErrorCode } from '#libs/errors';

/** Whom a connection goes to, in the words of its messages. */
export interface Peer {
  /** "the engine", "the image service". */
  name: string;
  /** What it must be: "Docker Engine". */
  kind: string;
  /** Its location as the user knows it. Never with a password in it. */
  where: string;
  /** Where the user gives an authority to trust: "credentials.specifics.ca". */
  authority: string;
  /** How to reach one that does not speak TLS: "use http://". */
  withoutTls: string;
}

interface Meaning {
  code: ErrorCode;
  says: (peer: Peer, detail: string) => string;
}

const unreachable = (says: Meaning['says']): Meaning => ({ code: 'ENVIRONMENT_UNREACHABLE', says });
const misconfigured = (says: Meaning['says']): Meaning => ({ code: 'ENVIRONMENT_MISCONFIGURED', says });

const brokeOff = unreachable(({ name, where }) => `the connection to ${name} at ${where} broke off`);
const notTrusted = misconfigured(
  ({ name, where, authority }, detail) =>
    `the certificate of ${name} at ${where} is not trusted (${detail}); give its authority as ${authority}`,
);

/** What the errors of sockets and TLS mean to a user, by `code`. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: unreachable(({ where }) => `nothing listens at ${where}: the connection was refused`),
  ENOTFOUND: unreachable(({ where }) => `the name of the host in ${where} is not known`),
  EAI_AGAIN: unreachable(({ where }) => `the name of the host in ${where} could not be looked up`),
  ETIMEDOUT: unreachable(({ name, where }) => `${name} at ${where} does not answer in time`),
  EHOSTUNREACH: unreachable(({ where }) => `there is no way to the host of ${where}`),
  ENETUNREACH: unreachable(({ where }) => `there is no way to the network of ${where}`),
  ECONNRESET: brokeOff,
  EPIPE: brokeOff,
  ERR_STREAM_PREMATURE_CLOSE: brokeOff,
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  CERT_HAS_EXPIRED: misconfigured(({ name, where }) => `the certificate of ${name} at ${where} has expired`),
  CERT_NOT_YET_VALID: misconfigured(({ name, where }) => `the certificate of ${name} at ${where} is not valid yet`),
  ERR_TLS_CERT_ALTNAME_INVALID: misconfigured(
    ({ name, where }, detail) => `the certificate of ${name} at ${where} is for another host: ${detail}`,
  ),
  ERR_SSL_WRONG_VERSION_NUMBER: misconfigured(
    ({ where, withoutTls }) => `what answers at ${where} does not speak TLS; ${withoutTls}`,
  ),
  ERR_SSL_PACKET_LENGTH_TOO_LONG: misconfigured(
    ({ where, withoutTls }) => `what answers at ${where} does not speak TLS; ${withoutTls}`,
  ),
  EPROTO: misconfigured(({ where }, detail) => `TLS with ${where} failed: ${detail}`),
};

/** What an error of a connection means to a user; null where it is of another kind. */
export function connectionError(error: unknown, peer: Peer): ViceError | null {
  const { code: ofAnyKind, message = String(error) } = error as { code?: unknown; message?: string };
  const code = String(ofAnyKind ?? '');
  const meaning = MEANINGS[code];
  if (meaning) return new ViceError(meaning.code, meaning.says(peer, message), { cause: error });
  if (!code.startsWith('HPE_')) return null;
  return new ViceError('ENVIRONMENT_MISCONFIGURED', `what answers at ${peer.where} is no ${peer.kind}: it does not speak HTTP`, {
    cause: error,
  });
}
