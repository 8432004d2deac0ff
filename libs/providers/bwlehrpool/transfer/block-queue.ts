import { type DownloadBlock } from './download-block.js';

/** Blocks in hand at once: under way, whole, or being passed on. It bounds the memory of a download. */
const WINDOW = 3;

/** Hands blocks out in order, takes them back whole in any order, and gives their bytes in order again. */
export class BlockQueue {
  private readonly givenBack: DownloadBlock[] = [];
  private readonly whole = new Map<number, DownloadBlock>();
  private readonly waiting = new Set<() => void>();
  private nextNew: number;
  private passedOn: number;
  private failure: Error | null = null;

  /** @param make the nth block of the file */
  constructor(
    first: number,
    private readonly count: number,
    private readonly make: (index: number) => DownloadBlock,
  ) {
    this.nextNew = first;
    this.passedOn = first;
  }

  /** A block to fetch, as soon as there is room for one; null: there will be none. */
  async next(): Promise<DownloadBlock | null> {
    for (;;) {
      if (this.failure) throw this.failure;
      const former = this.givenBack.shift();
      if (former) return former;
      if (this.nextNew < this.count && this.nextNew < this.passedOn + WINDOW) return this.make(this.nextNew++);
      if (this.passedOn + this.whole.size >= this.count) return null;
      await this.change();
    }
  }

  /** It could not be fetched to its end: it is the next to be handed out. */
  giveBack(block: DownloadBlock): void {
    this.givenBack.unshift(block);
    this.changed();
  }

  deliver(block: DownloadBlock): void {
    this.whole.set(block.index, block);
    this.changed();
  }

  fail(error: Error): void {
    this.failure ??= error;
    this.changed();
  }

  async *inOrder(): AsyncGenerator<Buffer> {
    while (this.passedOn < this.count) {
      const block = this.whole.get(this.passedOn);
      if (this.failure) throw this.failure;
      if (block) {
        yield* block.drain();
        this.whole.delete(this.passedOn++);
        this.changed();
      } else await this.change();
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  private changed(): void {
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }
}
