import { ViceError } from '#libs/errors';

const WINDOW_MS = 60_000;
const MAX_FAILURES = 50;
const MAX_NAMES = 10_000;

interface Window {
  endsAt: number;
  failures: number;
}

/** Counts failed logins by name: from 50 in a minute on, that name has to wait for the minute's end. */
export class FailureThrottle {
  private readonly windows = new Map<string, Window>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Charges an attempt before its outcome is known, so that many at once do not slip through. Raises TOO_MANY_REQUESTS. */
  charge(name: string): void {
    const window = this.windowOf(name);
    if (window.failures >= MAX_FAILURES) {
      const retryAfter = Math.max(1, Math.ceil((window.endsAt - this.now()) / 1000));
      throw new ViceError('TOO_MANY_REQUESTS', `too many failed logins for this name; try again in ${retryAfter} s`, {
        retryAfter,
      });
    }
    window.failures += 1;
  }

  /** The attempt was no failure of the password's. */
  refund(name: string): void {
    const window = this.windows.get(name);
    if (window && window.failures > 0) window.failures -= 1;
  }

  private windowOf(name: string): Window {
    const now = this.now();
    let window = this.windows.get(name);
    if (!window || window.endsAt <= now) {
      this.windows.delete(name);
      if (this.windows.size >= MAX_NAMES) this.forgetOldest();
      window = { endsAt: now + WINDOW_MS, failures: 0 };
      this.windows.set(name, window);
    }
    return window;
  }

  private forgetOldest(): void {
    const oldest = this.windows.keys().next();
    if (!oldest.done) this.windows.delete(oldest.value);
  }
}
