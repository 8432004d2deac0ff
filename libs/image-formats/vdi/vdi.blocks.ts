import { readTable, requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid } from '../refusal.js';
import { type VdiHeader } from './vdi.header.js';

/** From here on an entry of the block map names no block: never written, or given back. Either reads as zeros. */
const NO_BLOCK = 0xfffffffe;

/** Where in the content a block is; undefined for zeros. */
export function blockOffset(map: Buffer, at: number, header: VdiHeader): number | undefined {
  const entry = map.readUInt32LE(at);
  return entry >= NO_BLOCK ? undefined : header.dataOffset + entry * header.blockSize;
}

/** Makes sure that all blocks are within the content, and none is used twice. Returns the guest bytes that the disk holds data for. */
export async function checkBlocks(bytes: InspectableBytes, header: VdiHeader, signal?: AbortSignal): Promise<number> {
  const { mapOffset, blocks, blockSize, virtualSize } = header;
  let allocated = 0;
  let guest = 0;
  for await (const piece of readTable(bytes, mapOffset, blocks * 4, 'the block map of the VDI disk', signal)) {
    for (let at = 0; at < piece.length; at += 4, guest += blockSize) {
      const offset = blockOffset(piece, at, header);
      if (offset === undefined) continue;
      const used = Math.min(blockSize, virtualSize - guest);
      requireRange(bytes, offset, used, 'a block of the VDI disk');
      allocated += used;
      if (allocated > bytes.size) throw invalid('the VDI disk uses one block several times');
    }
  }
  return allocated;
}
