import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('bare-write.js', import.meta.url));

/** The limit of this machine for one file: what a bare script takes to write, fsync and hash it. */
export async function bareWrite(from: string, to: string): Promise<{ seconds: number; sha256: string }> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, from, to]);
  await rm(to);
  return JSON.parse(stdout) as { seconds: number; sha256: string };
}
