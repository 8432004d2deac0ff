import { readFileSync } from 'node:fs';

const SAMPLE_MS = 50;
const MIB = 1 << 20;

/** Watches how much memory a process has in use (its resident set, as Linux counts it). */
export class MemoryWatch implements Disposable {
  private peak: number;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly pid: number,
    /** Bytes: from which on it is growth. */
    private readonly before = residentBytes(pid),
  ) {
    this.peak = this.before;
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
  }

  /** Bytes, the peak so far against what it was before. */
  get growth(): number {
    this.sample();
    return this.peak - this.before;
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
  }

  private sample(): void {
    this.peak = Math.max(this.peak, residentBytes(this.pid));
  }
}

export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) * 1024;
}

export const asMiB = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
