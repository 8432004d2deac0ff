import { type BlockRun, type Ext4Blocks } from './ext4.blocks.js';

const DIRECT = 12;

/** The runs of a map of blocks as ext2 and ext3 have it, in order: twelve blocks, then tables of them, one to three deep. Ends at `wanted` blocks. */
export async function* mappedRuns(blocks: Ext4Blocks, map: Buffer, wanted: number): AsyncGenerator<BlockRun> {
  const perBlock = blocks.blockSize / 4;
  yield* runsOf(map.subarray(0, DIRECT * 4), 0, wanted);
  let logical = DIRECT;
  for (let level = 1; level <= 3 && logical < wanted; level++) {
    yield* runsBelow(blocks, map.readUInt32LE((DIRECT + level - 1) * 4), level, logical, wanted);
    logical += perBlock ** level;
  }
}

async function* runsBelow(
  blocks: Ext4Blocks,
  table: number,
  level: number,
  logical: number,
  wanted: number,
): AsyncGenerator<BlockRun> {
  if (table === 0) return;
  const pointers = await blocks.block(table, 'a table of blocks');
  if (level === 1) {
    yield* runsOf(pointers, logical, wanted);
    return;
  }
  const covered = (blocks.blockSize / 4) ** (level - 1);
  for (let at = 0; at < pointers.length && logical < wanted; at += 4, logical += covered) {
    yield* runsBelow(blocks, pointers.readUInt32LE(at), level - 1, logical, wanted);
  }
}

function* runsOf(pointers: Buffer, first: number, wanted: number): Generator<BlockRun> {
  let run: BlockRun | undefined;
  for (let at = 0, logical = first; at < pointers.length && logical < wanted; at += 4, logical++) {
    const physical = pointers.readUInt32LE(at);
    if (run && physical === run.physical + run.count) {
      run.count++;
      continue;
    }
    if (run) yield run;
    run = physical === 0 ? undefined : { logical, physical, count: 1 };
  }
  if (run) yield run;
}
