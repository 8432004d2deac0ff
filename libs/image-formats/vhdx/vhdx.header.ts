import { readRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid } from '../refusal.js';
import { crc32cWithout } from './crc32c.js';

export const VHDX_MAGIC = Buffer.from('vhdxfile', 'latin1');
const KiB = 1024;
const HEADERS = [64 * KiB, 128 * KiB];
const HEADER_BYTES = 4 * KiB;
const CHECKSUM_OFFSET = 4;

/**
 * Makes sure that the header which counts, the valid one written last, tells of a disk that was closed properly: what is in the log otherwise belongs to
 * the disk, and whoever opens it writes it there first. Throws CONTENT_INVALID, CONTENT_TRUNCATED.
 */
export async function checkHeaders(bytes: InspectableBytes): Promise<void> {
  const headers: Buffer[] = [];
  for (const offset of HEADERS) {
    const header = await readRange(bytes, offset, HEADER_BYTES, 'the VHDX header');
    if (isWhole(header, 'head', CHECKSUM_OFFSET)) headers.push(header);
  }
  const [first, second] = headers.sort((a, b) => Number(b.readBigUInt64LE(8) - a.readBigUInt64LE(8)));
  if (!first) throw invalid('both headers of the VHDX disk are damaged');
  if (second && second.readBigUInt64LE(8) === first.readBigUInt64LE(8) && !second.equals(first))
    throw invalid('the two headers of the VHDX disk contradict each other');
  const version = first.readUInt16LE(66);
  if (version !== 1 || first.readUInt16LE(64) !== 0) throw invalid(`the VHDX disk is of version ${version}; only 1 is supported`);
  if (first.subarray(48, 64).some((byte) => byte !== 0))
    throw invalid('the VHDX disk was not closed properly: its log is not empty; repair it first with "qemu-img check -r all"');
}

export const isWhole = (block: Buffer, signature: string, checksumOffset: number): boolean =>
  block.toString('latin1', 0, signature.length) === signature &&
  block.readUInt32LE(checksumOffset) === crc32cWithout(block, checksumOffset);
