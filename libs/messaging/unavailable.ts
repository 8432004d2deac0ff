import { ViceError } from '#libs/errors';

const RETRY_AFTER_SECONDS = 2;

/** What a caller is told when the other side cannot be reached: 503, to be tried again soon. */
export function unavailable(message: string, cause?: unknown): ViceError {
  return new ViceError('UNAVAILABLE', message, { cause, retryAfter: RETRY_AFTER_SECONDS });
}

/** The promise, or UNAVAILABLE once the time is over. What it waited for goes on unheard. */
export async function withinMs<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
