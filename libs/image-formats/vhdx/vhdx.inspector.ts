import { type FormatInspector } from '../inspection.js';
import { checkBlocks } from './vhdx.blocks.js';
import { readDisk } from './vhdx.disk.js';
import { VHDX_MAGIC } from './vhdx.header.js';

/** Facts: `virtualSize`, `imageType` (`dynamic` or `fixed`), `blockSize`, `logicalSectorSize`, `allocatedSize` (guest bytes with data). */
export const vhdxDisk: FormatInspector = {
  label: 'a VHDX disk',
  canBe: (head) => head.subarray(0, VHDX_MAGIC.length).equals(VHDX_MAGIC),
  inspect: async (bytes, limits, signal) => {
    const disk = await readDisk(bytes, limits);
    const allocatedSize = await checkBlocks(bytes, disk, signal);
    const { virtualSize, imageType, blockSize, logicalSectorSize } = disk;
    return { virtualSize, imageType, blockSize, logicalSectorSize, allocatedSize };
  },
};
