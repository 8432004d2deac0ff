import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type SpaceNow } from '../blob-ledger.js';
import { isMissing } from './disk-error.js';
import { type Layout } from './layout.js';
import { stagedFiles } from './staged-files.js';

/** First what is staged, then what is free: what comes in between is counted twice rather than not at all. */
export async function spaceNow(layout: Layout): Promise<SpaceNow> {
  const staged: Record<string, number> = {};
  for (const { writer, path } of await stagedFiles(layout)) {
    try {
      staged[writer] = await bytesIn(path);
    } catch (error) {
      if (!isMissing(error)) throw error; // published or removed since
    }
  }
  const { bavail, bsize } = await statfs(layout.root);
  return { freeBytes: bavail * bsize, staged };
}

/** Of a folder, what its own files take on the disk, for they may have holes. What lies deeper is counted as still to come. */
export async function bytesIn(path: string): Promise<number> {
  const found = await lstat(path);
  if (!found.isDirectory()) return found.size;
  let bytes = 0;
  for (const name of await readdir(path)) {
    const inside = await lstat(join(path, name)).catch(() => null); // null: removed since
    if (inside?.isFile()) bytes += inside.blocks * 512;
  }
  return bytes;
}
