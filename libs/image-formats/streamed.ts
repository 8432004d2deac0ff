import { type InspectableBytes } from './inspection.js';

/** Gives all bytes to `read` as a stream, which is destroyed in any case, and stops when the signal aborts, with its reason. */
export async function streamed<T>(
  bytes: InspectableBytes,
  signal: AbortSignal | undefined,
  read: (stream: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const stream = bytes.stream();
  const stop = () => stream.destroy(signal!.reason instanceof Error ? signal!.reason : new Error('aborted'));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await read(stream as AsyncIterable<Buffer>);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    stream.on('error', () => undefined).destroy();
  }
}
