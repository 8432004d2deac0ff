import { invalid } from '../refusal.js';
import { COMPAT, INCOMPAT, refuseUnknownFeatures, RO_COMPAT } from './ext4.features.js';

export const SUPERBLOCK_AT = 1024;
export const SUPERBLOCK_BYTES = 1024;
export const ROOT_INODE = 2;

/** What the superblock says, as far as reading needs it. */
export interface Superblock {
  version: 'ext2' | 'ext3' | 'ext4';
  /** As `UUID=` has it. */
  uuid: string;
  /** As `LABEL=` has it; one character for each byte. */
  label: string;
  blockSize: number;
  blockCount: number;
  freeBlocks: number;
  firstDataBlock: number;
  blocksPerGroup: number;
  groupCount: number;
  inodeCount: number;
  inodesPerGroup: number;
  inodeSize: number;
  descriptorSize: number;
  /** Descriptors of groups from this block of them on lie within their groups. */
  firstMetaBlockGroup: number;
  /** Which groups have a copy of the superblock. */
  copies: { kind: 'all' } | { kind: 'sparse' } | { kind: 'two'; groups: readonly number[] };
  /** 0: within the filesystem there is none. */
  journalInode: number;
  hasJournal: boolean;
  needsRecovery: boolean;
  hasFileTypes: boolean;
  hasLargeFolders: boolean;
}

/** Throws CONTENT_INVALID for what no mount would take, CONTENT_REFUSED for what this reader does not understand. */
export function parseSuperblock(bytes: Buffer): Superblock {
  const u16 = (at: number) => bytes.readUInt16LE(at);
  const u32 = (at: number) => bytes.readUInt32LE(at);
  const has = (features: number, bit: number) => (features & bit) !== 0;
  if (u16(0x38) !== 0xef53) throw invalid('the filesystem is no ext2, ext3 or ext4');
  const revised = u32(0x4c) > 0;
  const [compat, incompat, roCompat] = revised ? [u32(0x5c), u32(0x60), u32(0x64)] : [0, 0, 0];
  refuseUnknownFeatures(incompat);

  const logBlockSize = u32(0x18);
  if (logBlockSize > 6) throw invalid('the ext4 filesystem states an impossible block size');
  const blockSize = 1024 << logBlockSize;
  const bits64 = has(incompat, INCOMPAT.bits64);
  const blockCount = u32(0x4) + (bits64 ? u32(0x150) * 2 ** 32 : 0);
  const firstDataBlock = u32(0x14);
  const blocksPerGroup = u32(0x20);
  const inodesPerGroup = u32(0x28);
  const inodeSize = revised ? u16(0x58) : 128;
  const descriptorSize = bits64 ? u16(0xfe) : 32;
  const groupCount = Math.ceil((blockCount - firstDataBlock) / blocksPerGroup);
  const sound =
    [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536].includes(inodeSize) &&
    [32, 64, 128, 256, 512, 1024].includes(descriptorSize) &&
    descriptorSize <= blockSize &&
    inodeSize <= blockSize &&
    firstDataBlock <= 1 &&
    blockCount > firstDataBlock + 1 &&
    blockCount <= 2 ** 48 &&
    blocksPerGroup >= 8 &&
    inodesPerGroup >= 8 &&
    inodesPerGroup <= blockSize * 8 &&
    groupCount <= 2 ** 32 &&
    groupCount * inodesPerGroup >= u32(0x0);
  if (!sound) throw invalid('the superblock of the ext4 filesystem is damaged: its numbers are impossible');

  const hasJournal = has(compat, COMPAT.hasJournal);
  return {
    version: has(incompat, INCOMPAT.extents) || bits64 ? 'ext4' : hasJournal ? 'ext3' : 'ext2',
    uuid: bytes.toString('hex', 0x68, 0x78).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    label: bytes.toString('latin1', 0x78, 0x88).replace(/\0.*$/s, ''),
    ...{ blockSize, blockCount, firstDataBlock, blocksPerGroup, groupCount, inodesPerGroup, inodeSize, descriptorSize },
    freeBlocks: u32(0xc) + (bits64 ? u32(0x158) * 2 ** 32 : 0),
    inodeCount: u32(0x0),
    firstMetaBlockGroup: has(incompat, INCOMPAT.metaBg) ? u32(0x104) : Infinity,
    copies: has(compat, COMPAT.sparseSuper2)
      ? { kind: 'two', groups: [u32(0x24c), u32(0x250)] }
      : { kind: has(roCompat, RO_COMPAT.sparseSuper) ? 'sparse' : 'all' },
    journalInode: u32(0xe0),
    hasJournal,
    needsRecovery: hasJournal && has(incompat, INCOMPAT.recover),
    hasFileTypes: has(incompat, INCOMPAT.filetype),
    hasLargeFolders: has(incompat, INCOMPAT.largeDir),
  };
}
