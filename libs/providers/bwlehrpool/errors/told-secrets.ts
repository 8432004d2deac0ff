import { ApplicationException, RemoteException } from '../thrift/message.js';

/** Arguments of calls that are nobody else's business. */
const SECRET = ['password', 'accessCode', 'userToken', 'uploadToken', 'downloadToken'];

/** An error of a call without the secrets that the server was told by it: what it says goes to users and into logs. */
export function withoutToldSecrets(error: Error, args: object): Error {
  const secrets = Object.entries(args).flatMap(([key, value]) =>
    SECRET.includes(key) && typeof value === 'string' && value !== '' ? [value] : [],
  );
  const clean = (text: string) => secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text);
  if (error instanceof RemoteException) return new RemoteException(error.kind, error.number, clean(error.said));
  if (error instanceof ApplicationException) return new ApplicationException(error.type, clean(error.message));
  return error;
}
