import { requireRange } from '../byte-range.js';
import { type FormatInspector, type Inspection } from '../inspection.js';
import { checkBlocks } from './vhd.blocks.js';
import { FOOTER_BYTES, readFooter, startsAsFooter } from './vhd.footer.js';
import { readHeader } from './vhd.header.js';

/**
 * Facts: `virtualSize`, `imageType` (`dynamic` or `fixed`), `creator`, `blockSize` (of a dynamic one), `allocatedSize` (guest bytes with data).
 * A fixed disk is its guest's bytes, and then the footer.
 */
export const vhdDisk: FormatInspector = {
  label: 'a VHD disk',
  canBe: (head, end) => startsAsFooter(head) || startsAsFooter(end),
  inspect: async (bytes, limits, signal): Promise<Inspection['facts']> => {
    const footer = await readFooter(bytes, limits);
    const { virtualSize, imageType, creator } = footer;
    if (imageType === 'fixed') {
      requireRange(bytes, 0, virtualSize + FOOTER_BYTES, 'the VHD disk');
      return { virtualSize, imageType, creator, allocatedSize: virtualSize };
    }
    const header = await readHeader(bytes, footer);
    const allocatedSize = await checkBlocks(bytes, header, virtualSize, signal);
    return { virtualSize, imageType, creator, blockSize: header.blockSize, allocatedSize };
  },
};
