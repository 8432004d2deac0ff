import { readRange, requireRange } from '../byte-range.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid, refused } from '../refusal.js';

export const VDI_SIGNATURE = Buffer.from([0x7f, 0x10, 0xda, 0xbe]);
export const SIGNATURE_OFFSET = 64;
const HEADER_BYTES = 512;
const VERSION = 0x00010001;
export const SECTOR = 512;
/** All that qemu takes, and all that VirtualBox writes. */
const BLOCK_BYTES = 2 ** 20;

const IMAGE_TYPES = { 1: 'dynamic', 2: 'fixed' } as const;
const DEPENDENT_TYPES: Partial<Record<number, string>> = { 3: 'an undo disk', 4: 'a differencing disk' };

/** Offsets and sizes in bytes. */
export interface VdiHeader {
  imageType: (typeof IMAGE_TYPES)[keyof typeof IMAGE_TYPES];
  /** The disk as its guest sees it, rounded up to whole sectors. */
  virtualSize: number;
  blockSize: number;
  blocks: number;
  mapOffset: number;
  dataOffset: number;
}

/** The header of version 1.1, as in QEMU's block/vdi.c. Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED. */
export async function readHeader(bytes: InspectableBytes, limits: InspectionLimits): Promise<VdiHeader> {
  const head = await readRange(bytes, 0, HEADER_BYTES, 'the VDI header');
  const version = head.readUInt32LE(0x44);
  if (version !== VERSION) {
    throw invalid(`the VDI disk is of version ${version >>> 16}.${version & 0xffff}; only 1.1 is supported`);
  }
  const imageType = readImageType(head);
  if (![0x1a8, 0x1b8].every((at) => head.subarray(at, at + 16).every((byte) => byte === 0)))
    throw refused('the VDI disk has a parent disk; flatten it first with "VBoxManage clonemedium"');
  const stated = Number(head.readBigUInt64LE(0x170));
  if (stated > limits.maxVirtualBytes)
    throw refused(`the VDI disk is ${stated} bytes large for its guest; ${limits.maxVirtualBytes} is the limit here`);
  const sectorSize = head.readUInt32LE(0x168);
  if (sectorSize !== SECTOR) throw invalid(`the VDI header states sectors of ${sectorSize} bytes instead of ${SECTOR}`);
  const blockSize = head.readUInt32LE(0x178);
  if (blockSize !== BLOCK_BYTES || head.readUInt32LE(0x17c) !== 0)
    throw invalid('the VDI header states blocks of another size than 1 MiB, which is not supported');
  const header: VdiHeader = {
    imageType,
    virtualSize: Math.ceil(stated / SECTOR) * SECTOR,
    blockSize,
    blocks: head.readUInt32LE(0x180),
    mapOffset: head.readUInt32LE(0x154),
    dataOffset: head.readUInt32LE(0x158),
  };
  checkPlaces(header, bytes);
  return header;
}

function readImageType(head: Buffer): VdiHeader['imageType'] {
  const type = head.readUInt32LE(0x4c);
  const dependent = DEPENDENT_TYPES[type];
  if (dependent)
    throw refused(`the VDI disk is ${dependent}, which needs its parent; flatten it first with "VBoxManage clonemedium"`);
  const known = IMAGE_TYPES[type as keyof typeof IMAGE_TYPES];
  if (!known) throw invalid(`the VDI header states the unknown image type ${type}`);
  return known;
}

function checkPlaces({ virtualSize, blockSize, blocks, mapOffset, dataOffset }: VdiHeader, bytes: InspectableBytes): void {
  if (virtualSize === 0) throw invalid('the VDI header states a disk of no size');
  if (blocks !== Math.ceil(virtualSize / blockSize))
    throw invalid(`the VDI header states ${blocks} blocks, which do not make up its size of ${virtualSize} bytes`);
  if (mapOffset < HEADER_BYTES || mapOffset % SECTOR !== 0 || dataOffset % SECTOR !== 0)
    throw invalid('the block map or the data of the VDI disk are misplaced');
  requireRange(bytes, mapOffset, blocks * 4, 'the block map of the VDI disk');
  if (mapOffset + blocks * 4 > dataOffset) throw invalid('the block map and the data of the VDI disk overlap');
}
