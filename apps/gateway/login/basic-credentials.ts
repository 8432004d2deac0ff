import { ViceError } from '#libs/errors';

export interface BasicCredentials {
  username: string;
  /** May hold colons. */
  password: string;
}

const BASIC = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/i;
const MAX_USERNAME = 128;
const MAX_PASSWORD = 1024;

/** Reads an `Authorization` header of HTTP Basic in UTF-8 (RFC 7617). Raises UNAUTHENTICATED where it is anything else. */
export function basicCredentials(authorization: string): BasicCredentials {
  const encoded = BASIC.exec(authorization)?.[1];
  if (!encoded) throw unauthenticated('the Authorization header is not one of HTTP Basic');
  const text = utf8(Buffer.from(encoded, 'base64'));
  const colon = text.indexOf(':');
  if (colon === -1) throw unauthenticated('the Authorization header holds no username and password');
  const username = text.slice(0, colon);
  const password = text.slice(colon + 1);
  if (!username || username.length > MAX_USERNAME || password.length > MAX_PASSWORD) throw wrongCredentials();
  return { username, password };
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ViceError('UNAUTHENTICATED', 'the Authorization header is not UTF-8', { cause });
  }
}

export const unauthenticated = (message: string): ViceError => new ViceError('UNAUTHENTICATED', message);
export const wrongCredentials = (): ViceError => unauthenticated('username or password is wrong');
