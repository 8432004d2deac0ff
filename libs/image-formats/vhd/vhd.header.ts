import { readRange, requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid, refused } from '../refusal.js';
import { FOOTER_BYTES, hasChecksum, SECTOR, type VhdFooter } from './vhd.footer.js';

const HEADER_BYTES = 1024;
const COOKIE = 'cxsparse';
const CHECKSUM_OFFSET = 36;
const PARENT_LOCATORS = { at: 576, bytes: 24, count: 8 };
const MAX_BLOCK_BYTES = 2 ** 28;

/** Of a dynamic disk; offsets and sizes in bytes. */
export interface VhdHeader {
  tableOffset: number;
  /** As many as the disk has blocks. */
  entries: number;
  blockSize: number;
  /** Before each block's data: which of its sectors were written. */
  bitmapBytes: number;
}

/** Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED. */
export async function readHeader(bytes: InspectableBytes, { dataOffset, virtualSize }: VhdFooter): Promise<VhdHeader> {
  if (dataOffset < FOOTER_BYTES || dataOffset % SECTOR !== 0) throw invalid('the header of the VHD disk is misplaced');
  const head = await readRange(bytes, dataOffset, HEADER_BYTES, 'the VHD header');
  if (head.toString('latin1', 0, 8) !== COOKIE || !hasChecksum(head, CHECKSUM_OFFSET))
    throw invalid('the header of the VHD disk is damaged');
  refuseParent(head);
  const blockSize = head.readUInt32BE(32);
  if (blockSize < SECTOR || blockSize > MAX_BLOCK_BYTES || (blockSize & (blockSize - 1)) !== 0)
    throw invalid(`the VHD header states blocks of ${blockSize} bytes; a power of two from ${SECTOR} to 256 MiB is allowed`);
  const entries = Math.ceil(virtualSize / blockSize);
  if (head.readUInt32BE(28) < entries) throw invalid('the block table of the VHD disk is too small for its size');
  const tableOffset = Number(head.readBigUInt64BE(16));
  if (tableOffset < FOOTER_BYTES || tableOffset % SECTOR !== 0) throw invalid('the block table of the VHD disk is misplaced');
  requireRange(bytes, tableOffset, entries * 4, 'the block table of the VHD disk');
  return { tableOffset, entries, blockSize, bitmapBytes: Math.ceil(blockSize / SECTOR / 8 / SECTOR) * SECTOR };
}

/** A disk that depends on none has zeros in all places for one. */
function refuseParent(head: Buffer): void {
  const { at, bytes, count } = PARENT_LOCATORS;
  const named = head.subarray(40, 56).some((byte) => byte !== 0);
  const located = Array.from({ length: count }, (_, index) => head.readUInt32BE(at + index * bytes)).some((code) => code !== 0);
  if (named || located) throw refused('the VHD disk has a parent disk; merge it first, as with "Convert-VHD"');
}
