import { invalid } from '../refusal.js';
import { type Ext4Blocks } from './ext4.blocks.js';
import { type Superblock } from './ext4.superblock.js';

/** Where an inode is on the disk, in bytes. Throws CONTENT_INVALID. */
export async function inodePosition(blocks: Ext4Blocks, superblock: Superblock, inode: number): Promise<number> {
  const { blockSize, inodesPerGroup, inodeSize, inodeCount } = superblock;
  if (inode < 1 || inode > inodeCount)
    throw invalid(`the ext4 filesystem is damaged: it has ${inodeCount} inodes, and refers to number ${inode}`);
  const index = (inode - 1) % inodesPerGroup;
  const table = await inodeTable(blocks, superblock, Math.floor((inode - 1) / inodesPerGroup));
  blocks.requireBlocks(table, Math.ceil((inodesPerGroup * inodeSize) / blockSize), 'a table of inodes');
  return table * blockSize + index * inodeSize;
}

async function inodeTable(blocks: Ext4Blocks, superblock: Superblock, group: number): Promise<number> {
  const { blockSize, descriptorSize } = superblock;
  const perBlock = blockSize / descriptorSize;
  const number = descriptorBlock(superblock, Math.floor(group / perBlock), perBlock);
  const descriptors = await blocks.block(number, 'a group descriptor');
  const at = (group % perBlock) * descriptorSize;
  return descriptors.readUInt32LE(at + 8) + (descriptorSize >= 64 ? descriptors.readUInt32LE(at + 0x28) * 2 ** 32 : 0);
}

function descriptorBlock(superblock: Superblock, index: number, perBlock: number): number {
  const { blockSize, firstDataBlock, blocksPerGroup, firstMetaBlockGroup } = superblock;
  const ofSuperblock = blockSize === 1024 ? 1 : 0;
  if (index < firstMetaBlockGroup) return ofSuperblock + 1 + index;
  const group = index * perBlock;
  const behindCopy = hasCopy(superblock, group) ? 1 : 0;
  const compensation = blockSize === 1024 && index === 0 && firstDataBlock === 0 ? 1 : 0;
  return firstDataBlock + group * blocksPerGroup + behindCopy + compensation;
}

function hasCopy({ copies }: Superblock, group: number): boolean {
  if (group === 0 || copies.kind === 'all') return true;
  if (copies.kind === 'two') return copies.groups.includes(group);
  return group === 1 || [3, 5, 7].some((base) => isPowerOf(base, group));
}

function isPowerOf(base: number, value: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}
