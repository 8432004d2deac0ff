import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { invalid } from '../refusal.js';

const CHUNK = 2 ** 17;
const CHUNKS_KEPT = 128;
const JOURNAL_MAGIC = 0xc03b3998;

/** Where the newest committed copy of a block is: in the journal, its first four bytes blanked out where they would have looked like the journal's own. */
export interface JournalCopy {
  block: number;
  escaped: boolean;
}

/** Blocks of a file that lie one behind the other on the disk. */
export interface BlockRun {
  /** Within the file. */
  logical: number;
  /** On the disk. */
  physical: number;
  count: number;
}

/** The blocks of a filesystem as a mount would show them: those in the journal stand for those in their places. Keeps at most 16 MiB. */
export class Ext4Blocks {
  private readonly chunks = new Map<number, Buffer>();
  private copies: ReadonlyMap<number, JournalCopy> = new Map();

  constructor(
    private readonly disk: GuestDisk,
    readonly blockSize: number,
    /** Of the filesystem; its blocks lie within the disk. */
    readonly blockCount: number,
  ) {}

  /** From now on, these stand for the blocks of these numbers. */
  replay(copies: ReadonlyMap<number, JournalCopy>): void {
    this.copies = copies;
  }

  /** `what` names it in the message of CONTENT_INVALID where there is no such block. The bytes are not the caller's to change. */
  async block(number: number, what: string): Promise<Buffer> {
    this.requireBlocks(number, 1, what);
    return this.read(number * this.blockSize, this.blockSize);
  }

  requireBlocks(first: number, count: number, what: string): void {
    if (first < 1 || first + count > this.blockCount)
      throw invalid(`the ext4 filesystem is damaged: ${what} lies outside of it, at block ${first}`);
  }

  /** A range within the filesystem. The bytes are not the caller's to change. */
  async read(position: number, length: number): Promise<Buffer> {
    if (!this.hasCopies(position, length)) return this.readInPlace(position, length);
    const pieces: Buffer[] = [];
    for (let at = position; at < position + length;) {
      const number = Math.floor(at / this.blockSize);
      const end = Math.min((number + 1) * this.blockSize, position + length);
      const copy = this.copies.get(number);
      const within = at - number * this.blockSize;
      pieces.push(copy ? (await this.readCopy(copy)).subarray(within, within + end - at) : await this.readInPlace(at, end - at));
      at = end;
    }
    return Buffer.concat(pieces);
  }

  /** Whether these bytes need not be read, because they are zeros. */
  async isZero(position: number, length: number): Promise<boolean> {
    return !this.hasCopies(position, length) && this.disk.isZero(position, length);
  }

  private hasCopies(position: number, length: number): boolean {
    if (this.copies.size === 0) return false;
    const last = Math.floor((position + length - 1) / this.blockSize);
    for (let number = Math.floor(position / this.blockSize); number <= last; number++) {
      if (this.copies.has(number)) return true;
    }
    return false;
  }

  private async readCopy({ block, escaped }: JournalCopy): Promise<Buffer> {
    const kept = await this.readInPlace(block * this.blockSize, this.blockSize);
    if (!escaped) return kept;
    const bytes = Buffer.from(kept);
    bytes.writeUInt32BE(JOURNAL_MAGIC, 0);
    return bytes;
  }

  private async readInPlace(position: number, length: number): Promise<Buffer> {
    if (length >= CHUNK) return this.disk.read(position, length);
    const number = Math.floor(position / CHUNK);
    const within = position - number * CHUNK;
    const chunk = await this.chunk(number);
    if (within + length <= CHUNK) return chunk.subarray(within, within + length);
    return Buffer.concat([chunk.subarray(within), (await this.chunk(number + 1)).subarray(0, within + length - CHUNK)]);
  }

  private async chunk(number: number): Promise<Buffer> {
    const kept = this.chunks.get(number);
    this.chunks.delete(number);
    const chunk = kept ?? (await this.disk.read(number * CHUNK, Math.min(CHUNK, this.disk.size - number * CHUNK)));
    this.chunks.set(number, chunk);
    if (this.chunks.size > CHUNKS_KEPT) this.chunks.delete(this.chunks.keys().next().value!);
    return chunk;
  }
}
