import { type BlobLedger, type SpaceNow } from './blob-ledger.js';

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
    private readonly spaceNow: () => Promise<SpaceNow>,
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
    const now = await this.spaceNow();
    this.closing.signal.throwIfAborted();
    await this.ledger.reserveSpace(this.writer, bytes, now, this.closing.signal);
    this.reserved = bytes;
  }
}
