import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export async function bareQemuImg(...args: string[]): Promise<void> {
  await run('qemu-img', args);
}

/** Seconds of `qemu-img convert` into a new file, and of a SHA-256 of that: what nobody could do without. */
export async function bareConversion(args: string[], source: string, result: string): Promise<number> {
  const began = performance.now();
  await bareQemuImg('convert', ...args, source, result);
  await pipeline(createReadStream(result, { highWaterMark: 1 << 20 }), createHash('sha256'));
  const seconds = (performance.now() - began) / 1000;
  await rm(result);
  return seconds;
}
