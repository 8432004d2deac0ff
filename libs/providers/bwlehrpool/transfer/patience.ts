import { setTimeout as delay } from 'node:timers/promises';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** Pauses that grow while nothing comes of what is tried, and for how long nothing has. */
export class Patience {
  private pauseMs = FIRST_PAUSE_MS;
  private inVainSince: number | null = null;

  constructor(private readonly signal: AbortSignal) {}

  /** Something came of it. */
  renew(): void {
    this.pauseMs = FIRST_PAUSE_MS;
    this.inVainSince = null;
  }

  /** Nothing came of it. Answers for how many milliseconds nothing has: 0 at the first time, however long that took. */
  inVain(): number {
    const now = performance.now();
    this.inVainSince ??= now;
    return now - this.inVainSince;
  }

  async pause(): Promise<void> {
    await delay(this.pauseMs, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
    this.pauseMs = Math.min(2 * this.pauseMs, LONGEST_PAUSE_MS);
  }
}
