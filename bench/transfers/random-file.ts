import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

const PIECE = 1 << 20;

/** Fresh bytes that no store has seen, in the page cache and on the disk. */
export async function randomFile(path: string, size: number): Promise<string> {
  await using file = await open(path, 'wx');
  const piece = Buffer.allocUnsafe(PIECE);
  for (let left = size; left > 0; left -= PIECE) await file.write(randomFillSync(piece), 0, Math.min(left, PIECE));
  await file.sync();
  return path;
}

/** Nothing is left for the disk to do from what was measured before. */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync');
}
