import { readTable, requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid } from '../refusal.js';
import { SECTOR } from './vhd.footer.js';
import { type VhdHeader } from './vhd.header.js';

const NO_BLOCK = 0xffffffff;

/** Where in the content a block's data is; undefined for zeros. Its bitmap tells nothing more: what was not written is zeros there too. */
export function blockOffset(table: Buffer, at: number, { bitmapBytes }: VhdHeader): number | undefined {
  const sector = table.readUInt32BE(at);
  return sector === NO_BLOCK ? undefined : sector * SECTOR + bitmapBytes;
}

/** Makes sure that all blocks are within the content, and none is used twice. Returns the guest bytes that the disk holds data for. */
export async function checkBlocks(
  bytes: InspectableBytes,
  header: VhdHeader,
  virtualSize: number,
  signal?: AbortSignal,
): Promise<number> {
  const { tableOffset, entries, blockSize } = header;
  let allocated = 0;
  let guest = 0;
  for await (const piece of readTable(bytes, tableOffset, entries * 4, 'the block table of the VHD disk', signal)) {
    for (let at = 0; at < piece.length; at += 4, guest += blockSize) {
      const offset = blockOffset(piece, at, header);
      if (offset === undefined) continue;
      const used = Math.min(blockSize, virtualSize - guest);
      requireRange(bytes, offset, used, 'a block of the VHD disk');
      allocated += used;
      if (allocated > bytes.size) throw invalid('the VHD disk uses one block several times');
    }
  }
  return allocated;
}
