/** 1 MiB: as much as is hashed and written at once. */
export const SLOT_BYTES = 1 << 20;
const SLOTS = 16;

/** A piece of the memory that the hashing threads see too. */
export interface Slot {
  readonly start: number;
  readonly bytes: Buffer;
}

/**
 * The memory of all transfers into this process together. A slot is taken only when there are bytes to fill it, and given back once they are
 * hashed and written, so that a slow sender never keeps another waiting. What is never used is never backed by real memory.
 */
export class SlotPool {
  readonly memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
  private readonly free: Slot[] = Array.from({ length: SLOTS }, (_, index) => ({
    start: index * SLOT_BYTES,
    bytes: Buffer.from(this.memory, index * SLOT_BYTES, SLOT_BYTES),
  })).reverse();
  private readonly waiting: ((slot: Slot) => void)[] = [];

  /** The one given back last first: its memory is warm. */
  take(): Slot | Promise<Slot> {
    return this.free.pop() ?? new Promise((resolve) => this.waiting.push(resolve));
  }

  giveBack(slot: Slot): void {
    const next = this.waiting.shift();
    if (next) next(slot);
    else this.free.push(slot);
  }
}
