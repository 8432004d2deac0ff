import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/**
 * What the machine gives to a bare script: copies a file, hashed by SHA-256, and fsynced. Run as a process of its own: its arguments are from where and to
 * where, its answer is `{ seconds, sha256 }`. A piece is read and written beside the hashing of the former one.
 */
const PIECE = 1 << 20;
const [from = '', to = ''] = process.argv.slice(2);

const began = performance.now();
const source = await open(from, 'r');
const target = await open(to, 'wx');
const hash = createHash('sha256');
let filling = Buffer.allocUnsafe(PIECE);
let hashing = Buffer.allocUnsafe(PIECE);
let { bytesRead } = await source.read(filling, 0, PIECE);
while (bytesRead > 0) {
  [filling, hashing] = [hashing, filling];
  const piece = hashing.subarray(0, bytesRead);
  const underWay = target.write(piece).then(() => source.read(filling, 0, PIECE));
  hash.update(piece);
  ({ bytesRead } = await underWay);
}
const sha256 = hash.digest('hex');
await target.sync();
const seconds = (performance.now() - began) / 1000;
process.stdout.write(JSON.stringify({ seconds, sha256 }));
