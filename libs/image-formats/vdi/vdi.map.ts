import { mapOfBlocks } from '../guest-disk/block-map.js';
import { type DiskMap } from '../guest-disk/disk-map.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { blockOffset } from './vdi.blocks.js';
import { readHeader } from './vdi.header.js';

export async function mapVdi(bytes: InspectableBytes, limits: InspectionLimits): Promise<DiskMap> {
  const header = await readHeader(bytes, limits);
  return mapOfBlocks(bytes, {
    size: header.virtualSize,
    blockSize: header.blockSize,
    entryBytes: 4,
    entryAt: (block) => header.mapOffset + block * 4,
    blockOffset: (table, at) => blockOffset(table, at, header),
    what: 'the block map of the VDI disk',
  });
}
