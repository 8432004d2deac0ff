import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobLedger, type SpaceNow } from '../blob-ledger.js';
import { isWriter } from '../writer-name.js';
import { isMissing } from './disk-error.js';
import { type Layout } from './layout.js';

const MiB = 1 << 20;
const FIRST_STEP = 8 * MiB;
const LARGEST_STEP = 256 * MiB;

/**
 * The space that one writer has reserved. Where the size is unknown it grows in doubling steps, the next one asked for while the last is
 * still being filled, so that writing seldom waits for the registry and a small upload fits on a nearly full disk.
 */
export class ReservedSpace {
  private reserved = 0;
  private step = FIRST_STEP;
  private growing: Promise<void> | undefined;
  private growAhead = false;
  private readonly closing = new AbortController();

  constructor(
    private readonly writer: string,
    private readonly layout: Layout,
    private readonly ledger: BlobLedger,
    private readonly maxBytes: number,
  ) {}

  /** Raises STORAGE_FULL. */
  async begin(size: number | undefined): Promise<void> {
    this.growAhead = size === undefined;
    await this.reserve(size ?? Math.min(this.step, this.maxBytes));
  }

  /** Makes sure that `bytes` in all fit. Raises STORAGE_FULL. */
  async cover(bytes: number): Promise<void> {
    while (bytes > this.reserved) await this.grow();
    if (!this.growAhead || this.reserved >= this.maxBytes || this.reserved - bytes > this.step / 2) return;
    this.grow().catch(() => {
      this.growAhead = false; // asked for again, and told of, when the bytes are really there
    });
  }

  /** Asks for no more. What was asked is answered by then, so that nothing is reserved after a release. */
  async close(): Promise<void> {
    this.growAhead = false;
    this.closing.abort();
    await this.growing?.catch(() => undefined);
  }

  private grow(): Promise<void> {
    this.growing ??= this.reserve(Math.min(this.reserved + this.nextStep(), this.maxBytes)).finally(() => {
      this.growing = undefined;
    });
    return this.growing;
  }

  private nextStep(): number {
    this.step = Math.min(this.step * 2, LARGEST_STEP);
    return this.step;
  }

  private async reserve(bytes: number): Promise<void> {
    const now = await spaceNow(this.layout);
    this.closing.signal.throwIfAborted();
    await this.ledger.reserveSpace(this.writer, bytes, now, this.closing.signal);
    this.reserved = bytes;
  }
}

/** First what is staged, then what is free: what comes in between is counted twice rather than not at all. */
async function spaceNow(layout: Layout): Promise<SpaceNow> {
  const staged: Record<string, number> = {};
  for (const writer of (await readdir(layout.staging)).filter(isWriter)) {
    try {
      staged[writer] = await bytesOf(layout.staged(writer));
    } catch (error) {
      if (!isMissing(error)) throw error; // published or removed since
    }
  }
  const { bavail, bsize } = await statfs(layout.root);
  return { freeBytes: bavail * bsize, staged };
}

/** Of a folder, what its own files take on the disk, for they may have holes. What lies deeper is counted as still to come. */
async function bytesOf(path: string): Promise<number> {
  const found = await lstat(path);
  if (!found.isDirectory()) return found.size;
  let bytes = 0;
  for (const name of await readdir(path)) {
    const inside = await lstat(join(path, name)).catch(() => null); // null: removed since
    if (inside?.isFile()) bytes += inside.blocks * 512;
  }
  return bytes;
}
