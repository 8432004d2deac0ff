import { type DeployableImage } from '../../environment-provider.js';
import { BLOCK_BYTES, blockRange } from './blocks.js';

/** Counts each byte of an image as moved once, however often it is sent, and also where the satellite needs it not sent. */
export class SentBytes {
  /** Of each block, up to which byte of the file it has been counted. */
  private readonly counted = new Map<number, number>();
  private total = 0;

  constructor(private readonly image: Pick<DeployableImage, 'size' | 'moved'>) {}

  /** Bytes from the start of a block on have gone. A range may span several blocks. */
  range(start: number, end: number): void {
    for (let index = start / BLOCK_BYTES; index * BLOCK_BYTES < end; index++)
      this.count(index, Math.min(end, blockRange(index, this.image.size).end));
  }

  /** The satellite has this block. */
  block(index: number): void {
    this.count(index, blockRange(index, this.image.size).end);
  }

  /** The satellite has all of them; of those that are only zeros it did not even ask. */
  everything(): void {
    this.image.moved(this.image.size - this.total);
    this.total = this.image.size;
  }

  private count(index: number, upTo: number): void {
    const former = this.counted.get(index) ?? index * BLOCK_BYTES;
    if (upTo <= former) return;
    this.counted.set(index, upTo);
    this.total += upTo - former;
    this.image.moved(upTo - former);
  }
}
