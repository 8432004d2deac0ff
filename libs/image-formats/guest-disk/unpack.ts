import { promisify } from 'node:util';
import { constants, inflate, inflateRaw, type ZlibOptions } from 'node:zlib';
import { decompress } from 'fzstd';
import { invalid } from '../refusal.js';

/**
 * Unpacks to exactly `length` bytes, or at least to `least`. What follows the data's own end is ignored. `what` names whose data it is in the message of
 * CONTENT_INVALID.
 */
export type Unpack = (data: Buffer, length: number, what: string, least?: number) => Promise<Buffer>;

const unpackWith =
  (unpack: (data: Buffer, length: number) => Promise<Buffer>): Unpack =>
  async (data, length, what, least = length) => {
    let content: Buffer;
    try {
      content = await unpack(data, length);
    } catch (error) {
      throw invalid(`${what} holds compressed data that is damaged`, error);
    }
    if (content.length < least) throw invalid(`${what} holds compressed data of ${content.length} bytes instead of ${length}`);
    return content;
  };

const inflating = (inflater: (data: Buffer, options: ZlibOptions) => Promise<Buffer>) =>
  unpackWith((data, length) =>
    // Room for a byte more than it may have, so that its end is reached in the first chunk.
    inflater(data, { maxOutputLength: length, chunkSize: length + 64, finishFlush: constants.Z_SYNC_FLUSH }),
  );

export const unpackDeflated = inflating(promisify<Buffer, ZlibOptions, Buffer>(inflateRaw));
export const unpackZlib = inflating(promisify<Buffer, ZlibOptions, Buffer>(inflate));

export const unpackZstd = unpackWith(async (data, length) => {
  const content = Buffer.alloc(length);
  decompress(data.subarray(0, zstdFrameLength(data)), content);
  return content;
});

/** The library takes what follows a frame for another one. Block by block as in RFC 8878, 3.1.1. */
function zstdFrameLength(data: Buffer): number {
  const descriptor = data.readUInt8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  let at = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + [singleSegment ? 1 : 0, 2, 4, 8][sizeFlag]!;
  for (let last = false; !last;) {
    const header = data.readUIntLE(at, 3);
    last = (header & 1) !== 0;
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) !== 0 ? 4 : 0);
}
