import { setTimeout } from 'node:timers/promises';
import { ViceError } from '#libs/errors';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
const PATIENCE_MS = 3_600_000;

/** Looks until there is an answer; an hour at most. `what` is waited for: "the image is active". Raises ENVIRONMENT_BUSY. */
export async function patiently<T>(what: string, look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new ViceError('ENVIRONMENT_BUSY', `the cloud has not come so far in an hour that ${what}`);
    await setTimeout(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
