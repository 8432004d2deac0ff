import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';

export interface TempDir extends AsyncDisposable {
  path: string;
  remove(): Promise<void>;
}

/** A new folder with a path short enough for sockets in it: `/tmp/v3f9a01c2`. Works with `await using`. */
export async function tempDir(): Promise<TempDir> {
  const path = shortTempPath();
  await mkdir(path, { mode: 0o700 });
  const remove = () => rm(path, { recursive: true, force: true, maxRetries: 3 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}

/** A path at which nothing is yet. */
export function shortTempPath(): string {
  return `/tmp/v${randomBytes(4).toString('hex')}`;
}
