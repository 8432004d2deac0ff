import { createHash, webcrypto } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { type ContentDigest } from '#libs/contracts';
import { type GuestDisk } from './guest-disk.js';

export const CONTENT_DIGEST_PATTERN = /^disk-sha256-4m:[0-9a-f]{64}$/;

const BLOCK = 4 * 2 ** 20;
/** That are read or hashed at one time, each with a buffer of its own. */
const BLOCKS_AT_ONCE = 4;
/** Zeros that are asked for at once, in blocks. */
const SPAN = 256;
const MAX_PENDING = 64;
const ZEROS = Buffer.alloc(BLOCK);
const DIGESTS_OF_ZEROS = Buffer.alloc(SPAN * 32, createHash('sha256').update(ZEROS).digest());

export interface ContentDigestOptions {
  signal?: AbortSignal | undefined;
  /** Called with how many bytes of the disk more are done with, read or known to be zeros. */
  advance?: ((bytes: number) => void) | undefined;
}

/**
 * The digest of a disk as its guest sees it. Blocks are hashed beside the event loop, several at a time; those that are zeros by their format are not even read.
 * Raises what reading the disk raises, and the signal's reason.
 */
export async function contentDigest(disk: GuestDisk, { signal, advance }: ContentDigestOptions = {}): Promise<ContentDigest> {
  const digests = new BlockDigests();
  try {
    for (let position = 0; position < disk.size;) {
      signal?.throwIfAborted();
      const zeros = await zeroBlocksAt(disk, position);
      if (zeros > 0) {
        await digests.addZeros(zeros);
      } else {
        await digests.add(Math.min(BLOCK, disk.size - position), (length, into) => disk.read(position, length, into));
      }
      const done = zeros > 0 ? zeros * BLOCK : Math.min(BLOCK, disk.size - position);
      position += done;
      advance?.(done);
    }
    return `disk-sha256-4m:${await digests.finish(disk.size)}`;
  } finally {
    await digests.settle();
  }
}

/** How many whole blocks from there on are zeros by the disk's format: a span, one or none. */
async function zeroBlocksAt(disk: GuestDisk, position: number): Promise<number> {
  for (const blocks of [SPAN, 1]) {
    if (position + blocks * BLOCK <= disk.size && (await disk.isZero(position, blocks * BLOCK))) return blocks;
  }
  return 0;
}

/** The digests of blocks, which are ready in any order, hashed in the order of the blocks. */
class BlockDigests {
  private readonly list = createHash('sha256');
  private readonly free: (Buffer | undefined)[] = Array.from({ length: BLOCKS_AT_ONCE });
  /** The digest of a block, or those of several, and the buffer that is then free again. */
  private readonly pending: Promise<{ digests: Buffer; buffer?: Buffer }>[] = [];
  private zeroSpans = 0;

  async add(length: number, read: (length: number, into: Buffer) => Promise<Buffer>): Promise<void> {
    while (this.free.length === 0) await this.takeOldest();
    const buffer = this.free.pop() ?? Buffer.allocUnsafeSlow(BLOCK);
    const block = await read(length, buffer);
    this.pending.push(digestOf(block).then((digests) => ({ digests, buffer })));
  }

  async addZeros(blocks: number): Promise<void> {
    while (this.pending.length >= MAX_PENDING) await this.takeOldest();
    this.pending.push(Promise.resolve({ digests: DIGESTS_OF_ZEROS.subarray(0, blocks * 32) }));
    // Tables in memory answer at once: without this, nothing else would run for as long as a disk is large.
    if (++this.zeroSpans % MAX_PENDING === 0) await breathe();
  }

  /** In hexadecimal. */
  async finish(size: number): Promise<string> {
    while (this.pending.length > 0) await this.takeOldest();
    const end = Buffer.alloc(8);
    end.writeBigUInt64BE(BigInt(size));
    return this.list.update(end).digest('hex');
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.pending);
  }

  private async takeOldest(): Promise<void> {
    const { digests, buffer } = await this.pending.shift()!;
    this.list.update(digests);
    if (buffer) this.free.push(buffer);
  }
}

async function digestOf(block: Buffer): Promise<Buffer> {
  // Zeros that are written out are found faster than hashed, and other data shows at once that it is none.
  if (block.length === BLOCK && block.equals(ZEROS)) return DIGESTS_OF_ZEROS.subarray(0, 32);
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', block));
}
