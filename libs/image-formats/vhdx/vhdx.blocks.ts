import { readTable, requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid } from '../refusal.js';
import { entryOf, type VhdxDisk } from './vhdx.disk.js';

const MiB = 2 ** 20;
/** Not present, undefined, zero, unmapped, and unmapped as an early draft had it. */
const ZERO_STATES = [0, 1, 2, 3, 5];
const FULLY_PRESENT = 6;

/** Where in the content a block is; undefined for zeros. Throws CONTENT_INVALID for an entry that no whole disk has. */
export function blockOffset(table: Buffer, at: number): number | undefined {
  const low = table.readUInt32LE(at);
  const state = low & 7;
  if (ZERO_STATES.includes(state)) return undefined;
  if (state !== FULLY_PRESENT)
    throw invalid(`a block of the VHDX disk is in a state (${state}) that only a differencing disk has`);
  const offset = (table.readUInt32LE(at + 4) * 2 ** 12 + (low >>> 20)) * MiB;
  if (offset === 0) throw invalid('a block of the VHDX disk is misplaced');
  return offset;
}

/** Makes sure that all blocks are within the content, and none is used twice. Returns the guest bytes that the disk holds data for. */
export async function checkBlocks(bytes: InspectableBytes, disk: VhdxDisk, signal?: AbortSignal): Promise<number> {
  const { blockTable, blocks, blockSize, virtualSize, chunkRatio } = disk;
  const length = entryOf(blocks - 1, disk) + 8 - blockTable.offset;
  let allocated = 0;
  let index = 0;
  for await (const piece of readTable(bytes, blockTable.offset, length, 'the block table of the VHDX disk', signal)) {
    for (let at = 0; at < piece.length; at += 8, index++) {
      if (index % (chunkRatio + 1) === chunkRatio) continue;
      const offset = blockOffset(piece, at);
      if (offset === undefined) continue;
      const block = index - Math.floor(index / (chunkRatio + 1));
      const used = Math.min(blockSize, virtualSize - block * blockSize);
      requireRange(bytes, offset, used, 'a block of the VHDX disk');
      allocated += used;
      if (allocated > bytes.size) throw invalid('the VHDX disk uses one block several times');
    }
  }
  return allocated;
}
