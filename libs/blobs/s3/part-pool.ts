import { PART_BYTES } from './segment-plan.js';

/** 128 MiB for all transfers of this process together; what is never used is never backed by real memory. */
const PARTS = 16;

/** The memory of all that is being sent. A part is taken only when there are bytes to fill it, so that a slow sender keeps nobody waiting. */
export class PartPool {
  private made = 0;
  private readonly free: Buffer[] = [];
  private readonly waiting: ((part: Buffer) => void)[] = [];

  take(): Buffer | Promise<Buffer> {
    const part = this.free.pop();
    if (part) return part;
    if (this.made < PARTS) {
      this.made++;
      return Buffer.allocUnsafeSlow(PART_BYTES);
    }
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  giveBack(part: Buffer): void {
    const next = this.waiting.shift();
    if (next) next(part);
    else this.free.push(part);
  }
}

export const parts = new PartPool();
