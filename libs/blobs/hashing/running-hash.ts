import { type Algorithm } from './hash-thread.js';
import { hashThreads, type Digester } from './hash-threads.js';
import { SLOT_BYTES } from './slot-pool.js';

/** Hashes in a thread what it is told piece after piece, in the order in which it is told. */
export class RunningHash {
  private readonly digester: Digester;
  private last: Promise<void> = Promise.resolve();

  constructor(private readonly algorithms: Algorithm[]) {
    this.digester = hashThreads.begin(algorithms);
  }

  /** When this resolves, the bytes are not needed any more. */
  update(bytes: Uint8Array): Promise<void> {
    this.last = this.last.then(() => this.pass(bytes));
    return this.last;
  }

  /** The checksums by algorithm, in lower-case hexadecimal. Ends it. */
  async digest(): Promise<Partial<Record<Algorithm, string>>> {
    await this.last;
    const checksums = await this.digester.digest();
    return Object.fromEntries(this.algorithms.map((algorithm, index) => [algorithm, checksums[index]]));
  }

  /** Ends it without an answer; does nothing after `digest`. */
  async drop(): Promise<void> {
    await this.last.catch(() => undefined);
    this.digester.drop();
  }

  private async pass(bytes: Uint8Array): Promise<void> {
    const hashed: Promise<void>[] = [];
    try {
      for (let from = 0; from < bytes.length; from += SLOT_BYTES) {
        const piece = bytes.subarray(from, from + SLOT_BYTES);
        const slot = await hashThreads.slots.take();
        slot.bytes.set(piece);
        hashed.push(this.digester.update(slot, piece.length).finally(() => hashThreads.slots.giveBack(slot)));
      }
    } finally {
      // All have ended before a failure is told: what a thread still reads must not be filled anew.
      await Promise.allSettled(hashed);
    }
    await Promise.all(hashed);
  }
}
