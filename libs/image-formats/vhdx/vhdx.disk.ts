import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid } from '../refusal.js';
import { checkHeaders } from './vhdx.header.js';
import { readMetadata, type VhdxMetadata } from './vhdx.metadata.js';
import { readRegions, type Region } from './vhdx.regions.js';

const BLOCK_ENTRY_BYTES = 8;

/** All that is needed to find a disk's blocks. Sizes and offsets in bytes. */
export interface VhdxDisk extends VhdxMetadata {
  blockTable: Region;
  blocks: number;
  /** After so many entries of the block table one that is for no block follows. */
  chunkRatio: number;
}

/** As in Microsoft's [MS-VHDX]. Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED. */
export async function readDisk(bytes: InspectableBytes, limits: InspectionLimits): Promise<VhdxDisk> {
  await checkHeaders(bytes);
  const { blockTable, metadata } = await readRegions(bytes);
  const sizes = await readMetadata(bytes, metadata, limits);
  const blocks = Math.ceil(sizes.virtualSize / sizes.blockSize);
  const disk = { ...sizes, blockTable, blocks, chunkRatio: (2 ** 23 * sizes.logicalSectorSize) / sizes.blockSize };
  if (entryOf(blocks - 1, disk) + BLOCK_ENTRY_BYTES > blockTable.offset + blockTable.length)
    throw invalid('the block table of the VHDX disk is too small for its size');
  return disk;
}

/** Where in the content a block's entry is. */
export const entryOf = (block: number, { blockTable, chunkRatio }: Pick<VhdxDisk, 'blockTable' | 'chunkRatio'>): number =>
  blockTable.offset + (block + Math.floor(block / chunkRatio)) * BLOCK_ENTRY_BYTES;
