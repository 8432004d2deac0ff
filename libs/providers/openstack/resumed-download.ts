import { setTimeout } from 'node:timers/promises';
import { ViceError } from '#libs/errors';

/** Breaks in a row without a byte between them; then the job's next attempt carries on from what has come. */
const MAX_BREAKS = 4;
const FIRST_PAUSE_MS = 500;

/** What breaks a connection, rather than being an answer. */
const BREAKS: readonly string[] = ['ENVIRONMENT_UNREACHABLE', 'ENVIRONMENT_FAILED'];

export interface Extent {
  /** Where to begin. */
  offset: number;
  /** Bytes of the whole; null: not known, and the end of the connection is the end. */
  size: number | null;
}

/** Reads on where a connection breaks. No byte comes twice. */
export async function* resumed(
  read: (offset: number) => AsyncIterable<Buffer>,
  { offset, size }: Extent,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let position = offset;
  let breaks = 0;
  while (size === null || position < size) {
    try {
      for await (const chunk of read(position)) {
        position += chunk.length;
        breaks = 0;
        yield chunk;
      }
      if (size === null || position >= size) return;
      throw new ViceError('ENVIRONMENT_UNREACHABLE', `the cloud sent ${position} of ${size} bytes, and no more`);
    } catch (error) {
      const begun = position > offset || breaks > 0;
      if (!(error instanceof ViceError) || !BREAKS.includes(error.code) || !begun || ++breaks > MAX_BREAKS) throw error;
      await setTimeout(FIRST_PAUSE_MS * 2 ** (breaks - 1), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
