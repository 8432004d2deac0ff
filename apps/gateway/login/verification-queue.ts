import { ViceError } from '#libs/errors';

/** Lets so many run at once and so many more wait; beyond that it refuses with UNAVAILABLE, so that a flood does not pile up. */
export class VerificationQueue {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly atOnce: number,
    private readonly mayWait: number,
  ) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.turn();
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }

  private async turn(): Promise<void> {
    if (this.running < this.atOnce) {
      this.running += 1;
      return;
    }
    if (this.waiting.length >= this.mayWait) {
      throw new ViceError('UNAVAILABLE', 'too many logins at once; try again in a second', { retryAfter: 1 });
    }
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }
}
