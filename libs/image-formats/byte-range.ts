import { type InspectableBytes } from './inspection.js';
import { truncated } from './refusal.js';

/** Reads exactly this range. `what` names it in the message of CONTENT_TRUNCATED. */
export async function readRange(bytes: InspectableBytes, position: number, length: number, what: string): Promise<Buffer> {
  requireRange(bytes, position, length, what);
  const range = await bytes.read(position, length);
  if (range.length < length) throw shortRead(bytes, position, length, range.length);
  return range;
}

/** Fills `target` with exactly the range that begins there. */
export async function readRangeInto(bytes: InspectableBytes, position: number, target: Buffer, what: string): Promise<void> {
  requireRange(bytes, position, target.length, what);
  const range = await bytes.read(position, target.length, target);
  if (range.length < target.length) throw shortRead(bytes, position, target.length, range.length);
  if (range.buffer !== target.buffer || range.byteOffset !== target.byteOffset) range.copy(target);
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

const shortRead = (bytes: InspectableBytes, position: number, length: number, got: number) =>
  new Error(`the blob gave ${got} of ${length} bytes at ${position}, though its size is ${bytes.size}`);
