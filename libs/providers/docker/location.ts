import { isIP } from 'node:net';
import { posix } from 'node:path';
import { ViceError } from '#libs/errors';

/** Where a Docker Engine is, as `credentials.location` says. */
export type EngineLocation =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number; tls: boolean }
  | { kind: 'ssh'; host: string; port: number; user: string | null; socket: string | null };

const FORMS = 'unix:///path/of/docker.sock, tcp://host:port, http://host:port, https://host:port or ssh://user@host';
const PORTS = { plain: 2375, tls: 2376, ssh: 22 };

/**
 * Reads a location; nothing is taken from anywhere else when a part is missing.
 * @param tls whether the environment has certificates, which makes `tcp://` speak TLS
 */
export function parseLocation(location: string | null, tls: boolean): EngineLocation {
  const text = location?.trim() ?? '';
  if (text === '') throw misconfigured(`the environment has no credentials.location; it must be ${FORMS}`);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'unix') return { kind: 'unix', path: socketPath(text.slice('unix://'.length), text) };
  if (scheme === undefined || !['tcp', 'http', 'https', 'ssh'].includes(scheme)) {
    throw misconfigured(`the location "${withoutPassword(text)}" is not understood; it must be ${FORMS}`);
  }
  const { user, host, port, path } = authority(text);
  if (scheme === 'ssh') return { kind: 'ssh', host, port: port ?? PORTS.ssh, user, socket: path ? socketPath(path, text) : null };
  if (user !== null)
    throw misconfigured(
      'the location must not hold a user name: an engine takes none; TLS client certificates are credentials.specifics ca, cert and key',
    );
  if (path !== '') throw misconfigured(`the location "${text}" ends in a path; an engine is at ${scheme}://host:port`);
  if (scheme === 'tcp') return { kind: 'tcp', host, port: port ?? (tls ? PORTS.tls : PORTS.plain), tls };
  return { kind: 'tcp', host, port: port ?? (scheme === 'https' ? 443 : 80), tls: scheme === 'https' };
}

function authority(text: string): { user: string | null; host: string; port: number | null; path: string } {
  const shown = withoutPassword(text);
  const parts = /^[^:]+:\/\/(?:([^@/?#]*)@)?(\[[^\]/]*\]|[^:/?#[\]@]*)(?::([^/?#]*))?(\/[^?#]*)?(.*)$/.exec(text);
  if (!parts) throw misconfigured(`the location "${shown}" is not understood; it must be ${FORMS}`);
  const [, user, bracketed = '', port, path = '', rest] = parts;
  const host = bracketed.replace(/^\[|\]$/g, '');
  if (rest) throw misconfigured(`the location "${shown}" must end after host and port`);
  if (host === '') throw misconfigured(`the location "${shown}" names no host; it must be ${FORMS}`);
  if (bracketed.startsWith('[') ? isIP(host) !== 6 : !/^[a-z0-9_.-]+$/i.test(host))
    throw misconfigured(`"${host}" in the location "${shown}" is no name or address of a host`);
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    throw misconfigured(`"${port}" in the location "${shown}" is no port: it must be a number from 1 to 65535`);
  if (user?.includes(':'))
    throw misconfigured('the location must not hold a password: it is shown to whoever may see the environment');
  if (user !== undefined && !/^[a-z0-9_][a-z0-9_.-]*$/i.test(user))
    throw misconfigured(`"${user}" in the location is no user name`);
  return { user: user ?? null, host, port: port === undefined ? null : Number(port), path: path === '/' ? '' : path };
}

function socketPath(path: string, text: string): string {
  if (!/^\/[^\0]*[^/\0]$/.test(path))
    throw misconfigured(`"${text}" names no socket: its path must be absolute, as unix:///var/run/docker.sock`);
  return posix.normalize(path);
}

const withoutPassword = (text: string) => text.replace(/:\/\/[^/]*@/, '://…@');

function misconfigured(message: string): ViceError {
  return new ViceError('ENVIRONMENT_MISCONFIGURED', message);
}
