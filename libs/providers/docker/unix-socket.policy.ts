import { realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import { ViceError } from '#libs/errors';

/** Which sockets of this very machine an environment may name: `VICE_UNIX_SOCKETS`. */
export class UnixSocketPolicy {
  /** @param patterns of absolute paths; `*` matches any characters, `/` too */
  constructor(private readonly patterns: readonly string[]) {}

  /**
   * The path to connect to, all links resolved: a link must not lead out of what is allowed. Raises LOCATION_DENIED, and the error of the system
   * where there is no such socket.
   */
  async allowedPath(path: string): Promise<string> {
    const asked = posix.normalize(path);
    if (!this.patterns.some((pattern) => matches(pattern, asked))) throw denied(asked);
    const real = await realpath(asked);
    const realPatterns = await Promise.all(this.patterns.map(resolvedPattern));
    if (![...this.patterns, ...realPatterns].some((pattern) => matches(pattern, real))) throw denied(asked);
    return real;
  }
}

/** The pattern with the links resolved in the folders that it names literally: `/var/run/*` is `/run/*` where that is a link. */
async function resolvedPattern(pattern: string): Promise<string> {
  const literal = pattern.split('*', 1)[0]!;
  const folder = literal === pattern ? literal : literal.slice(0, literal.lastIndexOf('/'));
  try {
    return `${await realpath(folder)}${pattern.slice(folder.length)}`;
  } catch {
    return pattern;
  }
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(path);
}

function denied(path: string): ViceError {
  return new ViceError(
    'LOCATION_DENIED',
    `this server does not let an environment be at its own socket ${path}; its operator can allow it in VICE_UNIX_SOCKETS`,
  );
}
