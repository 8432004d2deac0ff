const MiB = 1 << 20;
const BLOCK_BYTES = MiB;
/** Read at once where one block follows the other. */
const READ_AHEAD = 8;
/** Kept at most, the longest unused going first: 24 MiB. */
const KEPT = 24;

/** Reads the bytes from `start` to before `end`. */
export type ReadBytes = (start: number, end: number) => Promise<Buffer>;

/** Small reads of something that answers each request after milliseconds: whole blocks are read and kept, more at once where reading goes on. */
export class BlockCache {
  private readonly blocks = new Map<number, Promise<Buffer>>();

  constructor(
    private readonly readBytes: ReadBytes,
    private readonly size: number,
  ) {}

  /** Fills `into` from this position on; all of it lies inside. */
  async read(position: number, into: Buffer): Promise<void> {
    for (let filled = 0; filled < into.length;) {
      const at = position + filled;
      const index = Math.floor(at / BLOCK_BYTES);
      const block = await this.block(index);
      filled += block.copy(into, filled, at - index * BLOCK_BYTES);
    }
  }

  private block(index: number): Promise<Buffer> {
    const known = this.blocks.get(index);
    if (known) {
      this.blocks.delete(index);
      this.blocks.set(index, known);
      return known;
    }
    const last = Math.ceil(this.size / BLOCK_BYTES);
    let end = index + 1;
    if (this.blocks.has(index - 1)) while (end < Math.min(last, index + READ_AHEAD) && !this.blocks.has(end)) end++;
    this.fetch(index, end);
    return this.blocks.get(index)!;
  }

  private fetch(from: number, end: number): void {
    const start = from * BLOCK_BYTES;
    const all = this.readBytes(start, Math.min(end * BLOCK_BYTES, this.size));
    for (let index = from; index < end; index++) {
      const offset = index * BLOCK_BYTES - start;
      const block = all.then((bytes) => bytes.subarray(offset, offset + BLOCK_BYTES));
      block.catch(() => this.blocks.delete(index));
      this.blocks.set(index, block);
    }
    for (const index of this.blocks.keys()) {
      if (this.blocks.size <= KEPT) break;
      this.blocks.delete(index);
    }
  }
}
