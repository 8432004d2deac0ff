import { readRange, requireRange } from '../byte-range.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid, refused } from '../refusal.js';
import { checkExtensions } from './qcow2.extensions.js';

export const QCOW2_MAGIC = Buffer.from('QFI\xfb', 'latin1');
const V2_LENGTH = 72;
const V3_LENGTH = 104;
const MAX_L1_BYTES = 32 * 2 ** 20;
const MAX_REFCOUNT_TABLE_BYTES = 8 * 2 ** 20;

export const COMPRESSIONS = ['zlib', 'zstd'] as const;

export interface Qcow2Header {
  version: 2 | 3;
  /** The disk as its guest sees it, in bytes. */
  virtualSize: number;
  clusterBits: number;
  clusterSize: number;
  l1Offset: number;
  l1Entries: number;
  refcountTableOffset: number;
  refcountTableBytes: number;
  /** Each L2 entry carries a bitmap of 32 subclusters. */
  extendedL2: boolean;
  compression: (typeof COMPRESSIONS)[number];
}

const INCOMPATIBLE = { dirty: 1, corrupt: 2, externalData: 4, compression: 8, extendedL2: 16 };
const KNOWN_INCOMPATIBLE = 31n;

/** Field by field as in QEMU's docs/interop/qcow2.txt. Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED. */
export async function readHeader(bytes: InspectableBytes, limits: InspectionLimits): Promise<Qcow2Header> {
  const head = await readRange(bytes, 0, V2_LENGTH, 'the qcow2 header');
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3)
    throw invalid(`the disk is qcow version ${version}; only qcow2 (versions 2 and 3) is supported`);
  if (head.readBigUInt64BE(8) !== 0n)
    throw refused('the qcow2 disk has a backing file; flatten it first with "qemu-img convert"');
  if (head.readUInt32BE(32) !== 0) throw refused('the qcow2 disk is encrypted; decrypt it first with "qemu-img convert"');
  if (head.readUInt32BE(60) !== 0)
    throw refused('the qcow2 disk holds internal snapshots; drop them first with "qemu-img convert"');
  const clusterBits = head.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21)
    throw invalid(`the qcow2 header states clusters of 2^${clusterBits} bytes; 2^9 to 2^21 are allowed`);
  const clusterSize = 2 ** clusterBits;
  const later =
    version === 3
      ? await readVersion3(bytes, clusterSize)
      : { headerLength: V2_LENGTH, extendedL2: false, compression: 'zlib' as const };
  if (later.extendedL2 && clusterBits < 14)
    throw invalid('the qcow2 header states subclusters in clusters that are too small for them');
  await checkExtensions(bytes, later.headerLength, clusterSize);

  const header: Qcow2Header = {
    version,
    virtualSize: Number(head.readBigUInt64BE(24)),
    clusterBits,
    clusterSize,
    l1Entries: head.readUInt32BE(36),
    l1Offset: Number(head.readBigUInt64BE(40)),
    refcountTableOffset: Number(head.readBigUInt64BE(48)),
    refcountTableBytes: head.readUInt32BE(56) * clusterSize,
    extendedL2: later.extendedL2,
    compression: later.compression,
  };
  checkTables(header, bytes, limits);
  return header;
}

/** Guest bytes that one L2 table maps. */
export const bytesPerL2Table = (header: Qcow2Header): number => (header.clusterSize / entryLength(header)) * header.clusterSize;

export const entryLength = (header: Qcow2Header): number => (header.extendedL2 ? 16 : 8);

async function readVersion3(bytes: InspectableBytes, clusterSize: number) {
  const head = await readRange(bytes, 0, V3_LENGTH, 'the qcow2 header');
  const incompatible = head.readBigUInt64BE(72);
  if ((incompatible & ~KNOWN_INCOMPATIBLE) !== 0n) {
    throw refused(
      `the qcow2 disk needs features that are not known here (incompatible feature bits 0x${incompatible.toString(16)})`,
    );
  }
  const has = (bit: number) => (Number(incompatible) & bit) !== 0;
  if (has(INCOMPATIBLE.externalData))
    throw refused('the qcow2 disk keeps its data in an external file; bring it into one file first with "qemu-img convert"');
  if (has(INCOMPATIBLE.corrupt))
    throw invalid('the qcow2 disk is marked as corrupt; repair it first with "qemu-img check -r all"');
  if (has(INCOMPATIBLE.dirty))
    throw invalid('the qcow2 disk was not closed properly; repair it first with "qemu-img check -r all"');
  if (head.readUInt32BE(96) > 6) throw invalid('the qcow2 header states an impossible refcount width');
  const headerLength = head.readUInt32BE(100);
  if (headerLength < V3_LENGTH || headerLength > clusterSize || headerLength % 8 !== 0) {
    throw invalid(`the qcow2 header states an impossible length of its own (${headerLength})`);
  }
  const type = headerLength > V3_LENGTH ? (await readRange(bytes, V3_LENGTH, 1, 'the qcow2 header'))[0]! : 0;
  const compression = COMPRESSIONS[type];
  if (!compression || has(INCOMPATIBLE.compression) !== (type !== 0))
    throw invalid('the qcow2 header states an unknown compression');
  return { headerLength, compression, extendedL2: has(INCOMPATIBLE.extendedL2) };
}

function checkTables(header: Qcow2Header, bytes: InspectableBytes, limits: InspectionLimits): void {
  const { virtualSize, clusterSize, l1Entries, l1Offset, refcountTableOffset, refcountTableBytes } = header;
  if (virtualSize === 0) throw invalid('the qcow2 header states a disk of no size');
  if (virtualSize > limits.maxVirtualBytes) {
    throw refused(`the qcow2 disk is ${virtualSize} bytes large for its guest; ${limits.maxVirtualBytes} is the limit here`);
  }
  if (l1Entries * 8 > MAX_L1_BYTES) throw invalid('the qcow2 header states an L1 table of more than 32 MiB');
  if (l1Entries < Math.ceil(virtualSize / bytesPerL2Table(header)))
    throw invalid('the L1 table of the qcow2 disk is too small for its virtual size');
  if (l1Offset % clusterSize !== 0 || (l1Entries > 0 && l1Offset === 0))
    throw invalid('the L1 table of the qcow2 disk is misplaced');
  requireRange(bytes, l1Offset, l1Entries * 8, 'the L1 table of the qcow2 disk');
  if (refcountTableBytes === 0) throw invalid('the qcow2 disk has no refcount table');
  if (refcountTableBytes > MAX_REFCOUNT_TABLE_BYTES) throw invalid('the qcow2 header states a refcount table of more than 8 MiB');
  if (refcountTableOffset === 0 || refcountTableOffset % clusterSize !== 0)
    throw invalid('the refcount table of the qcow2 disk is misplaced');
}
