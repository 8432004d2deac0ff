import { type Ask } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Backoff } from './backoff.js';

/**
 * Asks again and again, with growing pauses, while the other side is UNAVAILABLE and `goOn` allows it; then raises that. Only for calls that
 * bear being asked twice: an answer may have been lost on its way.
 */
export function patiently(ask: Ask, goOn: () => boolean): Ask {
  return async (call, request) => {
    const backoff = new Backoff(100, 2_000);
    for (;;) {
      try {
        return await ask(call, request);
      } catch (error) {
        if (!(error instanceof ViceError && error.code === 'UNAVAILABLE' && goOn())) throw error;
      }
      await backoff.pause();
    }
  };
}
