import { type FormatInspector } from '../inspection.js';
import { checkBlocks } from './vdi.blocks.js';
import { readHeader, SIGNATURE_OFFSET, VDI_SIGNATURE } from './vdi.header.js';

/** Facts: `virtualSize`, `imageType` (`dynamic` or `fixed`), `blockSize`, `allocatedSize` (guest bytes with data). */
export const vdiDisk: FormatInspector = {
  label: 'a VirtualBox (VDI) disk',
  canBe: (head) => head.subarray(SIGNATURE_OFFSET, SIGNATURE_OFFSET + VDI_SIGNATURE.length).equals(VDI_SIGNATURE),
  inspect: async (bytes, limits, signal) => {
    const header = await readHeader(bytes, limits);
    const allocatedSize = await checkBlocks(bytes, header, signal);
    const { virtualSize, imageType, blockSize } = header;
    return { virtualSize, imageType, blockSize, allocatedSize };
  },
};
