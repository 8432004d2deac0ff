import { type InspectableBytes } from './inspection.js';
import { truncated } from './refusal.js';

/** Reads exactly this range. `what` names it in the message of CONTENT_TRUNCATED. */
export async function readRange(bytes: InspectableBytes, position: number, length: number, what: string): Promise<Buffer> {
  requireRange(bytes, position, length, what);
  const range = await bytes.read(position, length);
  if (range.length < length)
    throw new Error(`the blob gave ${range.length} of ${length} bytes at ${position}, though its size is ${bytes.size}`);
  return range;
}

/** Throws CONTENT_TRUNCATED where the range is not wholly within the content. */
export function requireRange(bytes: InspectableBytes, position: number, length: number, what: string): void {
  if (position + length > bytes.size) {
    throw truncated(
      `${what} should end at byte ${position + length}, but the content ends at ${bytes.size}: it is truncated or damaged`,
    );
  }
}

/** Reads a large table piece by piece; each piece holds whole entries, of at most 1 MiB. */
export async function* readTable(
  bytes: InspectableBytes,
  position: number,
  length: number,
  what: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  requireRange(bytes, position, length, what);
  for (let done = 0; done < length;) {
    signal?.throwIfAborted();
    const piece = await readRange(bytes, position + done, Math.min(2 ** 20, length - done), what);
    done += piece.length;
    yield piece;
  }
}
