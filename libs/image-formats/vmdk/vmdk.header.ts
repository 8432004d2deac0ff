import { readRange } from '../byte-range.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid, refused, truncated } from '../refusal.js';

export const VMDK_MAGIC = Buffer.from('KDMV', 'latin1');
export const SECTOR = 512;
export const TABLE_ENTRIES = 512;

const GRAIN_DIRECTORY_AT_END = 0xffffffffffffffffn;
const FLAGS = { redundantTable: 0x2, zeroedGrains: 0x4, compressed: 0x10000, markers: 0x20000 };
const FOOTER_MARKER = 3;

/** Offsets and sizes in sectors of 512 bytes, as in the file. */
export interface VmdkHeader {
  version: number;
  capacity: number;
  grainSize: number;
  descriptorOffset: number;
  descriptorSize: number;
  grainDirectoryOffset: number;
  /** Of the second copy of directory and tables, where there is one. */
  redundantDirectoryOffset?: number;
  compressed: boolean;
  /** Whether a grain at sector 1 stands for zeros. */
  zeroedGrains: boolean;
  uncleanShutdown: boolean;
}

/**
 * The header of a sparse extent, as in VMware's "Virtual Disk Format 5.0". Where the grain directory comes at the end (a stream was written), the footer has
 * its place; all else in it must be as in the header, since some tools believe the one and some the other.
 */
export async function readHeader(bytes: InspectableBytes, limits: InspectionLimits): Promise<VmdkHeader> {
  const block = await readRange(bytes, 0, SECTOR, 'the VMDK header');
  const header = parseHeader(block, limits);
  if (block.readBigUInt64LE(56) !== GRAIN_DIRECTORY_AT_END) return header;
  const footerBlock = await readFooter(bytes);
  const footer = parseHeader(footerBlock, limits);
  if (footerBlock.readBigUInt64LE(56) === GRAIN_DIRECTORY_AT_END)
    throw invalid('neither header nor footer of the VMDK disk say where its grain directory is');
  const fixed = ['capacity', 'grainSize', 'descriptorOffset', 'descriptorSize', 'compressed', 'zeroedGrains'] as const;
  if (fixed.some((key) => header[key] !== footer[key])) throw refused('header and footer of the VMDK disk contradict each other');
  return footer;
}

async function readFooter(bytes: InspectableBytes): Promise<Buffer> {
  const missing = () => truncated('the VMDK disk ends without the footer that its header announces: it is truncated');
  if (bytes.size < 4 * SECTOR) throw missing();
  const end = await readRange(bytes, bytes.size - 3 * SECTOR, 3 * SECTOR, 'the VMDK footer');
  const [marker, footer, endOfStream] = [0, 1, 2].map((at) => end.subarray(at * SECTOR, (at + 1) * SECTOR)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const isMarker = marker.readUInt32LE(8) === 0 && marker.readUInt32LE(12) === FOOTER_MARKER;
  const isEnd = endOfStream.readBigUInt64LE(0) === 0n && endOfStream.readUInt32LE(8) === 0 && endOfStream.readUInt32LE(12) === 0;
  if (!isMarker || !isEnd || !footer.subarray(0, 4).equals(VMDK_MAGIC)) throw missing();
  return footer;
}

function parseHeader(block: Buffer, limits: InspectionLimits): VmdkHeader {
  const sectors = (at: number) => Number(block.readBigUInt64LE(at));
  const version = block.readUInt32LE(4);
  if (version < 1 || version > 3) throw invalid(`the VMDK disk is of version ${version}; 1 to 3 are known here`);
  if (!block.subarray(73, 77).equals(Buffer.from('\n \r\n'))) {
    throw invalid('the VMDK disk is damaged: a transfer as text has changed its line ends');
  }
  const flags = block.readUInt32LE(8);
  const compression = block.readUInt16LE(77);
  const compressed = (flags & FLAGS.compressed) !== 0;
  if (compression > 1 || compressed !== (compression === 1)) throw invalid('the VMDK header states an unknown compression');
  if (compressed && (flags & FLAGS.markers) === 0) throw invalid('the VMDK disk is compressed, but its grains have no markers');
  const capacity = sectors(12);
  if (capacity === 0) throw refused('the VMDK header states no capacity, with which tools look for the disk in other files');
  if (capacity * SECTOR > limits.maxVirtualBytes) {
    throw refused(`the VMDK disk is ${capacity * SECTOR} bytes large for its guest; ${limits.maxVirtualBytes} is the limit here`);
  }
  const grainSize = sectors(20);
  if (grainSize < 8 || grainSize > 8192 || (grainSize & (grainSize - 1)) !== 0)
    throw invalid(`the VMDK header states grains of ${grainSize} sectors; a power of two from 8 to 8192 is allowed`);
  if (block.readUInt32LE(44) !== TABLE_ENTRIES)
    throw invalid(`the VMDK header states grain tables of ${block.readUInt32LE(44)} entries instead of ${TABLE_ENTRIES}`);
  return {
    version,
    capacity,
    grainSize,
    descriptorOffset: sectors(28),
    descriptorSize: sectors(36),
    grainDirectoryOffset: sectors(56),
    ...((flags & FLAGS.redundantTable) !== 0 && { redundantDirectoryOffset: sectors(48) }),
    compressed,
    zeroedGrains: (flags & FLAGS.zeroedGrains) !== 0,
    uncleanShutdown: block[72] !== 0,
  };
}
