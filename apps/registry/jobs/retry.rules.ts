/** How often a job may fail (a lapsed lease counts, a handing back does not) before it has failed for good. */
export const MAX_FAILURES = 8;

const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 5 * 60_000;

/**
 * How long a job waits after its nth failure: 1 to 2 s after the first, doubling up to 5 minutes, jittered, and never less than the
 * environment asked for.
 * @param random from 0 up to 1
 * @param retryAfter seconds
 */
export function retryDelayMs(failures: number, random: number, retryAfter = 0): number {
  const base = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS / 2);
  return Math.max(base * (1 + random), retryAfter * 1000);
}

/** How long a job waits that is handed on to another worker, which may be busy for hours: 1 to 2 s at first, half a minute at most. */
export const handOnDelayMs = (attempts: number, random: number): number => retryDelayMs(Math.min(attempts, 5), random);
