import { ProtocolFault } from './message.js';

/** The largest frame that bwLehrpool's servers send or take. */
export const MAX_FRAME_BYTES = 16_384_000;

/** Cuts what arrives into frames. A length beyond the bound is refused before anything is kept for it. */
export class Frames {
  private readonly chunks: Buffer[] = [];
  private held = 0;
  /** Of the frame that is coming in, its length field included; 4 until that is known. */
  private wanted = 4;
  private lengthKnown = false;

  constructor(private readonly maxBytes = MAX_FRAME_BYTES) {}

  /** The frames that are whole now, without their lengths. Raises ProtocolFault. */
  *take(chunk: Buffer): Generator<Buffer> {
    this.chunks.push(chunk);
    this.held += chunk.length;
    while (this.held >= this.wanted) {
      const all = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
      this.chunks.splice(0, Infinity, all);
      if (this.lengthKnown) yield this.cut(all);
      else this.begin(all.readInt32BE());
    }
  }

  private begin(length: number): void {
    if (length < 0 || length > this.maxBytes) throw new ProtocolFault(`a frame of ${length} bytes`);
    this.wanted = 4 + length;
    this.lengthKnown = true;
  }

  private cut(all: Buffer): Buffer {
    const frame = all.subarray(4, this.wanted);
    this.chunks.splice(0, Infinity, all.subarray(this.wanted));
    this.held -= this.wanted;
    this.wanted = 4;
    this.lengthKnown = false;
    return frame;
  }
}
