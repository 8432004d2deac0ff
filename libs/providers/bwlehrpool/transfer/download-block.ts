import { createHash, type Hash } from 'node:crypto';
import { type ByteRange } from './blocks.js';

/** Bytes are passed on in pieces of so many: few enough to be cheap, small enough to be let go of one by one. */
const PIECE_BYTES = 2 ** 20;

/** One block on its way in. It keeps what has arrived when its line breaks, and is asked for from there. */
export class DownloadBlock {
  private pieces: Buffer[] = [];
  private filling: Buffer | null = null;
  private filled = 0;
  private received: number;
  private hash: Hash | null;

  constructor(
    readonly index: number,
    /** From where the bytes are wanted; within the block. */
    private readonly from: number,
    private readonly range: ByteRange,
    /** Absent where the satellite knows none. */
    private readonly sha1: Buffer | undefined,
  ) {
    // A block can be checked only as a whole.
    this.received = sha1 ? range.start : from;
    this.hash = sha1 ? createHash('sha1') : null;
  }

  /** What is still to be asked for. */
  get missing(): ByteRange {
    return { start: this.received, end: this.range.end };
  }

  /** Hashed at once, while the bytes are still at hand for the processor. */
  take(bytes: Buffer): void {
    this.hash?.update(bytes);
    for (let at = 0; at < bytes.length;) {
      this.filling ??= Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, this.range.end - this.received));
      const copied = bytes.copy(this.filling, this.filled, at);
      at += copied;
      this.filled += copied;
      this.received += copied;
      if (this.filled === this.filling.length) this.keepPiece();
    }
  }

  /** Whether the whole block is as the satellite promised. Where not, nothing of it is kept. */
  isSound(): boolean {
    if (!this.sha1 || !this.hash || this.hash.digest().equals(this.sha1)) return true;
    this.pieces = [];
    this.received = this.range.start;
    this.hash = createHash('sha1');
    return false;
  }

  /** The wanted bytes, each piece let go of as it is taken. */
  *drain(): Generator<Buffer> {
    let at = this.sha1 ? this.range.start : this.from;
    for (let piece = this.pieces.shift(); piece; piece = this.pieces.shift()) {
      const unwanted = Math.max(0, this.from - at);
      at += piece.length;
      if (unwanted < piece.length) yield unwanted === 0 ? piece : piece.subarray(unwanted);
    }
  }

  private keepPiece(): void {
    const piece = this.filling!;
    this.pieces.push(piece);
    this.filling = null;
    this.filled = 0;
  }
}
