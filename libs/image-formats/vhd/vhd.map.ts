import { mapOfBlocks } from '../guest-disk/block-map.js';
import { type DiskMap } from '../guest-disk/disk-map.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { blockOffset } from './vhd.blocks.js';
import { readFooter } from './vhd.footer.js';
import { readHeader } from './vhd.header.js';

export async function mapVhd(bytes: InspectableBytes, limits: InspectionLimits): Promise<DiskMap> {
  const footer = await readFooter(bytes, limits);
  const { virtualSize: size, imageType } = footer;
  if (imageType === 'fixed')
    return { size, partAt: () => ({ end: size, runAt: (position) => ({ kind: 'data', end: size, offset: position }) }) };
  const header = await readHeader(bytes, footer);
  return mapOfBlocks(bytes, {
    size,
    blockSize: header.blockSize,
    entryBytes: 4,
    entryAt: (block) => header.tableOffset + block * 4,
    blockOffset: (table, at) => blockOffset(table, at, header),
    what: 'the block table of the VHD disk',
  });
}
