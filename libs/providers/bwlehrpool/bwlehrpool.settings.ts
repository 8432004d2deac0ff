import { isIP } from 'node:net';
import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type EnvironmentAccess } from '../environment-provider.js';
import { textOf } from '../specifics.js';
import { permissionsOf, type Permissions } from './permissions.js';

const DEFAULT_MASTER = 'bwlp-masterserver.ruf.uni-freiburg.de';
export const PORTS = { plain: 9090, tls: 9091 };

/** Who is at the other end of a connection. `host` and `port` as one dials them. */
export interface Peer {
  host: string;
  port: number;
  tls: boolean;
}

/** What an environment says of its satellite, checked. */
export interface Settings {
  master: Peer;
  /** PEM: whom to believe that the master is the master; absent: the usual authorities. */
  masterAuthority?: string;
  satellite: Peer;
  /** The satellite's certificate, 64 hexadecimal digits in lower case; absent: what the master says it is. */
  certSha256?: string;
  login: { accessCode: string } | { username: string; password: string };
  permissions: Permissions;
}

/** Raises ENVIRONMENT_MISCONFIGURED, and says which setting is wrong. */
export function settingsOf({ location, username, password, specifics }: EnvironmentAccess): Settings {
  const insecure = flagOf(specifics, 'insecure');
  const satellite = location?.trim();
  if (!satellite)
    throw misconfigured('the environment has no credentials.location; it must be the satellite, as host or host:port');
  const master = textOf(specifics, 'master')?.trim();
  return {
    // The master that everybody uses offers TLS: a password never goes there in the open.
    master: peerOf(master ?? DEFAULT_MASTER, 'credentials.specifics.master', insecure && master !== undefined),
    masterAuthority: authorityOf(specifics),
    satellite: peerOf(satellite, 'credentials.location', insecure),
    certSha256: fingerprintOf(specifics),
    login: loginOf(username, password, textOf(specifics, 'accessCode')),
    permissions: permissionsOf(specifics),
  };
}

function peerOf(text: string, setting: string, insecure: boolean): Peer {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]/@\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '';
  if (bracketed === undefined ? !/^[a-z0-9_.-]+$/i.test(host) : isIP(host) !== 6)
    throw misconfigured(`${setting} "${text}" is not understood; it must be host or host:port, without a scheme`);
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65_535)) throw misconfigured(`${setting} "${text}" names no port`);
  const tls = !insecure || port === PORTS.tls;
  return { host, port: port ?? (tls ? PORTS.tls : PORTS.plain), tls };
}

function loginOf(username: string | null, password: string | null, accessCode: string | undefined): Settings['login'] {
  if (accessCode !== undefined) return { accessCode };
  if (username && password) return { username, password };
  throw misconfigured(
    'a satellite needs credentials.username and password, or an access code as credentials.specifics.accessCode',
  );
}

function authorityOf(specifics: JsonObject): string | undefined {
  const pem = textOf(specifics, 'cacert');
  if (pem !== undefined && !pem.includes('-----BEGIN '))
    throw misconfigured('credentials.specifics.cacert must be PEM text ("-----BEGIN …")');
  return pem;
}

/** Colons and spaces, which tools write between the bytes, may be there. */
function fingerprintOf(specifics: JsonObject): string | undefined {
  const text = textOf(specifics, 'certSha256')?.replace(/[\s:]/g, '').toLowerCase();
  if (text !== undefined && !/^[0-9a-f]{64}$/.test(text))
    throw misconfigured('credentials.specifics.certSha256 must be the SHA-256 of a certificate: 64 hexadecimal digits');
  return text;
}

/** True only where it says so: as JSON, or as text. */
function flagOf(specifics: JsonObject, key: string): boolean {
  const value = Object.entries(specifics).find(([spelt]) => spelt.toLowerCase() === key)?.[1] ?? false;
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw misconfigured(`credentials.specifics.${key} must be true or false`);
}

const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
