import { readRange } from '../byte-range.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid, refused, truncated } from '../refusal.js';

export const VHD_COOKIE = Buffer.from('conectix', 'latin1');
export const FOOTER_BYTES = 512;
export const SECTOR = 512;
const VERSION = 0x00010000;
const CHECKSUM_OFFSET = 64;

const DISK_TYPES = { 2: 'fixed', 3: 'dynamic' } as const;
const DIFFERENCING = 4;

/** Offsets and sizes in bytes. */
export interface VhdFooter {
  imageType: (typeof DISK_TYPES)[keyof typeof DISK_TYPES];
  /** `current_size`: the disk as its guest sees it. Of its other statement, the geometry, nothing is believed: it is too coarse. */
  virtualSize: number;
  /** Of the header of a dynamic disk. */
  dataOffset: number;
  /** Who wrote the disk: four letters. */
  creator: string;
}

/**
 * The footer, as in Microsoft's "Virtual Hard Disk Image Format Specification". A dynamic disk begins with a copy of it; tools believe the one or the other, so
 * they must be as one. Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED.
 */
export async function readFooter(bytes: InspectableBytes, limits: InspectionLimits): Promise<VhdFooter> {
  const head = await bytes.read(0, FOOTER_BYTES);
  const hasCopy = startsAsFooter(head);
  if (bytes.size < FOOTER_BYTES) throw truncated('the VHD disk ends within its footer: it is truncated');
  const end = await readRange(bytes, bytes.size - FOOTER_BYTES, FOOTER_BYTES, 'the VHD footer');
  if (!startsAsFooter(end)) throw truncated('the VHD disk ends without its footer: it is truncated');
  const footer = parseFooter(end, limits);
  if (hasCopy !== (footer.imageType === 'dynamic'))
    throw refused('the footer of the VHD disk, at its end, and what it begins with contradict each other');
  if (hasCopy) {
    const copy = parseFooter(head, limits);
    if ((Object.keys(footer) as (keyof VhdFooter)[]).some((key) => footer[key] !== copy[key]))
      throw refused('the footer of the VHD disk and the copy that it begins with contradict each other');
  }
  return footer;
}

export const startsAsFooter = (block: Buffer): boolean => block.subarray(0, VHD_COOKIE.length).equals(VHD_COOKIE);

/** Footer and header carry one, each at a place of its own: the complement of the sum of all bytes but its own. */
export function hasChecksum(block: Buffer, offset: number): boolean {
  let sum = 0;
  block.forEach((byte, at) => (sum += at >= offset && at < offset + 4 ? 0 : byte));
  return block.readUInt32BE(offset) === ~sum >>> 0;
}

function parseFooter(block: Buffer, limits: InspectionLimits): VhdFooter {
  if (!hasChecksum(block, CHECKSUM_OFFSET)) throw invalid('the footer of the VHD disk is damaged: its checksum is another');
  if (block.readUInt32BE(12) !== VERSION) throw invalid('the VHD disk is of an unknown version; only 1.0 is supported');
  const type = block.readUInt32BE(60);
  if (type === DIFFERENCING)
    throw refused('the VHD disk is a differencing disk, which needs its parent; merge it first, as with "Convert-VHD"');
  const imageType = DISK_TYPES[type as keyof typeof DISK_TYPES];
  if (!imageType) throw invalid(`the VHD footer states the unknown disk type ${type}`);
  const virtualSize = Number(block.readBigUInt64BE(48));
  if (virtualSize > limits.maxVirtualBytes)
    throw refused(`the VHD disk is ${virtualSize} bytes large for its guest; ${limits.maxVirtualBytes} is the limit here`);
  if (virtualSize === 0 || virtualSize % SECTOR !== 0)
    throw invalid(`the VHD footer states an impossible size of ${virtualSize} bytes`);
  const dataOffset = imageType === 'dynamic' ? Number(block.readBigUInt64BE(16)) : 0;
  return {
    imageType,
    virtualSize,
    dataOffset,
    creator: block
      .toString('latin1', 28, 32)
      .replace(/[^ -~]/g, '')
      .trim(),
  };
}
