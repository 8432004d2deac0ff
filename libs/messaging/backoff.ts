import { setTimeout as sleep } from 'node:timers/promises';

/** Growing, jittered pauses between tries, so that those who failed together don't come back together. */
export class Backoff {
  private failures = 0;

  constructor(
    private readonly firstMs: number,
    private readonly longestMs: number,
  ) {}

  /** Waits; shorter, without an error, when the signal aborts. Does not keep the process alive. */
  async pause(signal?: AbortSignal): Promise<void> {
    const longest = Math.min(this.longestMs, this.firstMs * 2 ** this.failures);
    this.failures += 1;
    await sleep(longest * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined);
  }

  reset(): void {
    this.failures = 0;
  }
}
