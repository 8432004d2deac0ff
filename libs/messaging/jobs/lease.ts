/** A moment on both clocks. The steady one does not jump; but it stands still while the machine sleeps, which the wall clock does not. */
export interface Moment {
  readonly steady: number;
  readonly wall: number;
}

export function now(): Moment {
  return { steady: performance.now(), wall: Date.now() };
}

export function msSince(then: Moment): number {
  const { steady, wall } = now();
  return Math.max(steady - then.steady, wall - then.wall);
}

/**
 * The time in which a job is ours alone. It is counted from the moment at which the claim or heartbeat was sent that the registry accepted: so it
 * is over here before it is over there, and no two attempts write at once. `held` is to be asked before everything that
 * must not happen later, because a process that was suspended wakes up with its timers late.
 */
export class Lease {
  private timer?: NodeJS.Timeout;
  private lost = false;

  constructor(
    private lengthMs: number,
    private since: Moment,
    private readonly onLost: () => void,
  ) {
    this.watch();
  }

  get held(): boolean {
    if (!this.lost && this.remainingMs <= 0) this.lose();
    return !this.lost;
  }

  /** The registry accepted what was sent at that moment. A lease that has ended does not come back. */
  renew(lengthMs: number, sent: Moment): void {
    if (!this.held || sent.steady < this.since.steady) return;
    this.lengthMs = lengthMs;
    this.since = sent;
    this.watch();
  }

  /** Nobody needs to be told any more. */
  forget(): void {
    clearTimeout(this.timer);
  }

  private get remainingMs(): number {
    return this.lengthMs - msSince(this.since);
  }

  private watch(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => {
        if (this.held) this.watch();
      },
      Math.max(1, this.remainingMs),
    );
  }

  private lose(): void {
    this.lost = true;
    clearTimeout(this.timer);
    this.onLost();
  }
}
