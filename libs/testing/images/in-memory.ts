import { Readable } from 'node:stream';
import { type InspectableBytes } from '#libs/image-formats';

/** `chunk`: the size of the stream's pieces; small ones find what cannot cope with a border in its midst. */
export function inMemory(content: Buffer | string, { chunk = 64 * 1024 } = {}): InspectableBytes {
  const bytes = Buffer.from(content);
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
  };
  return {
    size: bytes.length,
    read: (position, length) => Promise.resolve(bytes.subarray(position, position + length)),
    stream: () => Readable.from(pieces(), { objectMode: false }),
  };
}
