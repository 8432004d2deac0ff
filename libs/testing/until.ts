export interface UntilOptions {
  /** Named in the error when it never comes: "the job is running". */
  what: string;
  /** Milliseconds. */
  timeout?: number;
  /** Milliseconds between two looks. */
  interval?: number;
}

/**
 * Waits until the condition returns something truthy, and returns that. A condition that throws is not yet fulfilled; its last error is the
 * cause when time is over.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, timeout = 10_000, interval = 25 }: UntilOptions,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeout;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      const last = cause instanceof Error ? `; last error: ${cause.message}` : '';
      throw new Error(`waited ${timeout} ms in vain until ${what}${last}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}
