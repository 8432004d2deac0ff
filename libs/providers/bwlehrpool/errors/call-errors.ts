import { ViceError, type ErrorCode } from '#libs/errors';
import { ApplicationException, EmptyAnswer, ProtocolFault, RemoteException } from '../thrift/message.js';
import { CallDropped } from '../thrift/thrift.connection.js';
import { refusalInWords } from './server-words.js';

type Meaning = readonly [ErrorCode, string];

const loginOver: Meaning = ['CREDENTIALS_REFUSED', 'the login is not valid any more, and a new one was refused as well'];

/** Numbers of TAuthorizationException. */
const AUTHORIZATION: Readonly<Record<number, Meaning>> = {
  0: ['ENVIRONMENT_FAILED', 'the server could not check the login'],
  1: loginOver,
  2: [
    'ENVIRONMENT_REFUSED',
    'you have no permission for this there; students may not list or share images, and the owner of an image decides who may download it',
  ],
  3: ['CREDENTIALS_REFUSED', 'your account is suspended; ask the administrators of bwLehrpool'],
  4: ['CREDENTIALS_REFUSED', 'your organisation is suspended in bwLehrpool; ask its administrators'],
  5: ['CREDENTIALS_REFUSED', 'the user name, the password or the access code is wrong'],
  6: ['CREDENTIALS_REFUSED', 'your organisation is not known there, or does not take part in bwLehrpool'],
  7: ['CREDENTIALS_REFUSED', 'the key of the login is not valid'],
  8: loginOver,
  9: ['CREDENTIALS_REFUSED', 'the login failed at the challenge of the server'],
  10: ['ENVIRONMENT_REFUSED', 'the server lets nobody in from the network of this registry; its administrators can lift that'],
};

/** Numbers of TInvocationException. */
const INVOCATION: Readonly<Record<number, Meaning>> = {
  0: ['ENVIRONMENT_REFUSED', 'something is missing in what was sent'],
  1: ['ENVIRONMENT_REFUSED', 'it does not accept what was sent: a name may be empty, or have characters that cannot be shown'],
  2: ['REMOTE_IMAGE_NOT_FOUND', 'there is no such image'],
  3: ['ENVIRONMENT_REFUSED', 'a user is not known there; see the user ids in credentials.specifics.permissions'],
  4: ['ENVIRONMENT_REFUSED', 'there is no such lecture'],
  5: ['ENVIRONMENT_REFUSED', 'it does not accept how the image is to be shared'],
  6: ['ENVIRONMENT_FAILED', 'it has an error of its own'],
};

const UNEXPLAINED: Meaning = ['ENVIRONMENT_FAILED', 'it refused without saying why'];

/** Any error of a call, in words for the user. `name` is whom we asked, `doing` what for: "list the images". */
export function callError(error: unknown, name: string, doing: string): ViceError {
  if (error instanceof ViceError) return error;
  const say = ([code, text]: Meaning, said = '') =>
    new ViceError(code, `could not ${doing}: ${text}${said && ` (${name} says "${said}")`}`, { cause: error });
  if (error instanceof RemoteException)
    return refusalInWords(error.said, name, error.kind === 'transfer-rejected') ?? say(meaningOf(error), error.said);
  if (error instanceof ApplicationException) {
    if (error.type === 1)
      return say(['ENVIRONMENT_MISCONFIGURED', `${name} is no bwLehrpool server of a version that is known here`], error.message);
    return say(['ENVIRONMENT_FAILED', `${name} could not handle the call`], error.message);
  }
  if (error instanceof CallDropped) return say(['ENVIRONMENT_UNREACHABLE', `${name} broke off: ${error.message}`]);
  if (error instanceof ProtocolFault)
    return say(['ENVIRONMENT_MISCONFIGURED', `what answers as ${name} does not speak bwLehrpool's protocol: ${error.message}`]);
  return ViceError.from(error);
}

/** Whether logging in anew can help. */
export function isExpiredLogin(error: unknown): boolean {
  return error instanceof RemoteException && error.kind === 'authorization' && (error.number === 1 || error.number === 8);
}

/** Whether a server found what was sent wrong and said nothing more, as it often does. */
export function isUnexplained(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return cause instanceof RemoteException && cause.kind === 'invocation' && cause.number === undefined && cause.said === '';
}

/** Whether a server answered with nothing, where something is due. */
export function isUnanswered(error: unknown): boolean {
  return (error as { cause?: unknown }).cause instanceof EmptyAnswer;
}

/** Whether it says that an image, a version or a base is not there. */
export function saysNotFound(error: unknown): boolean {
  return error instanceof ViceError && error.code === 'REMOTE_IMAGE_NOT_FOUND';
}

function meaningOf({ kind, number }: RemoteException): Meaning {
  switch (kind) {
    case 'authorization':
      return AUTHORIZATION[number ?? 0] ?? UNEXPLAINED;
    case 'invocation':
      return number === undefined ? UNEXPLAINED : (INVOCATION[number] ?? UNEXPLAINED);
    case 'not-found':
      return ['REMOTE_IMAGE_NOT_FOUND', 'there is no such image'];
    case 'invalid-token':
      return ['ENVIRONMENT_FAILED', 'the satellite does not know the transfer any more'];
    case 'transfer-rejected':
      return ['ENVIRONMENT_FAILED', 'the satellite takes no transfer of it now'];
  }
}
