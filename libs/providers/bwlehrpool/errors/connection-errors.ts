import { ViceError, type ErrorCode } from '#libs/errors';

type Meaning = [ErrorCode, (name: string, detail: string) => string];

const brokeOff: Meaning = ['ENVIRONMENT_UNREACHABLE', (name) => `the connection to ${name} broke off`];
const notTrusted: Meaning = [
  'ENVIRONMENT_MISCONFIGURED',
  (name, detail) =>
    `the certificate of ${name} is not trusted (${detail}); give its authority as PEM text in credentials.specifics.cacert`,
];
const noTls: Meaning = [
  'ENVIRONMENT_MISCONFIGURED',
  (name) => `${name} does not speak TLS there; usually that is port 9091. Port 9090 is used only with "insecure": true`,
];

/** What the errors of sockets and of TLS mean to a user, by `code`. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: ['ENVIRONMENT_UNREACHABLE', (name) => `nothing listens at ${name}: the connection was refused`],
  ENOTFOUND: ['ENVIRONMENT_UNREACHABLE', (name) => `the name of the host of ${name} is not known`],
  EAI_AGAIN: ['ENVIRONMENT_UNREACHABLE', (name) => `the name of the host of ${name} could not be looked up`],
  ETIMEDOUT: ['ENVIRONMENT_UNREACHABLE', (name) => `${name} does not answer in time`],
  EHOSTUNREACH: ['ENVIRONMENT_UNREACHABLE', (name) => `there is no way to the host of ${name}`],
  ENETUNREACH: ['ENVIRONMENT_UNREACHABLE', (name) => `there is no way to the network of ${name}`],
  ECONNRESET: brokeOff,
  EPIPE: brokeOff,
  ERR_STREAM_PREMATURE_CLOSE: brokeOff,
  DEPTH_ZERO_SELF_SIGNED_CERT: notTrusted,
  SELF_SIGNED_CERT_IN_CHAIN: notTrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT: notTrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notTrusted,
  CERT_SIGNATURE_FAILURE: notTrusted,
  CERT_HAS_EXPIRED: ['ENVIRONMENT_MISCONFIGURED', (name) => `the certificate of ${name} has expired`],
  CERT_NOT_YET_VALID: ['ENVIRONMENT_MISCONFIGURED', (name) => `the certificate of ${name} is not valid yet`],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'ENVIRONMENT_MISCONFIGURED',
    (name, detail) => `the certificate of ${name} is for another host: ${detail}`,
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  EPROTO: ['ENVIRONMENT_MISCONFIGURED', (name, detail) => `TLS with ${name} failed: ${detail}`],
};

/** An error of a socket or of TLS, in words for the user. @param name "the satellite at host:port" */
export function connectionError(error: unknown, name: string): ViceError {
  if (error instanceof ViceError) return error;
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  const [meaning, says] = MEANINGS[code] ?? [
    'ENVIRONMENT_UNREACHABLE' as const,
    (name: string, detail: string) => `the connection to ${name} failed: ${detail}`,
  ];
  return new ViceError(meaning, says(name, message), { cause: error });
}
