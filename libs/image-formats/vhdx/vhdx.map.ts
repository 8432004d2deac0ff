import { mapOfBlocks } from '../guest-disk/block-map.js';
import { type DiskMap } from '../guest-disk/disk-map.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { blockOffset } from './vhdx.blocks.js';
import { entryOf, readDisk } from './vhdx.disk.js';

export async function mapVhdx(bytes: InspectableBytes, limits: InspectionLimits): Promise<DiskMap> {
  const disk = await readDisk(bytes, limits);
  return mapOfBlocks(bytes, {
    size: disk.virtualSize,
    blockSize: disk.blockSize,
    entryBytes: 8,
    entryAt: (block) => entryOf(block, disk),
    blockOffset,
    what: 'the block table of the VHDX disk',
  });
}
