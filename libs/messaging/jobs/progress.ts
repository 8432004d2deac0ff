import { type JobProgress } from '#libs/contracts';

const WINDOW_MS = 10_000;
const SAMPLE_MS = 500;

/** Bytes moved by a job, and how fast over the last ten seconds. */
export class Progress {
  private done = 0;
  private carried = 0;
  private total: number | null = null;
  private samples: { at: number; done: number }[] = [{ at: performance.now(), done: 0 }];

  setTotal(bytes: number | null): void {
    this.total = bytes;
  }

  advance(bytes: number): void {
    this.done += bytes;
    const at = performance.now();
    if (at - (this.samples.at(-1)?.at ?? 0) >= SAMPLE_MS) this.samples.push({ at, done: this.done });
  }

  /** What a former attempt had moved already. */
  carryOver(bytes: number): void {
    this.carried += bytes;
    this.advance(bytes);
  }

  read(): JobProgress {
    const at = performance.now();
    while (this.samples.length > 1 && at - (this.samples[0]?.at ?? at) > WINDOW_MS) this.samples.shift();
    const first = this.samples[0] ?? { at, done: this.done };
    const seconds = Math.max(at - first.at, SAMPLE_MS) / 1000;
    return {
      bytesDone: this.done,
      bytesTotal: this.total,
      bytesPerSecond: Math.round((this.done - first.done) / seconds),
      ...(this.carried > 0 ? { bytesCarried: this.carried } : {}),
    };
  }
}
