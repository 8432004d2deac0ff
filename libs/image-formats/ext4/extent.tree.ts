import { invalid } from '../refusal.js';
import { type BlockRun, type Ext4Blocks } from './ext4.blocks.js';

const MAGIC = 0xf30a;
const MAX_DEPTH = 5;
const ENTRY = 12;
/** Of an extent's length: beyond it, the extent is set aside, but not written to yet. */
const UNWRITTEN = 32768;

/** The written runs of a tree of extents, in order. Throws CONTENT_INVALID: nodes must grow shallower, and each keep to its own range, so that none is met twice. */
export function extentRuns(blocks: Ext4Blocks, root: Buffer): AsyncGenerator<BlockRun> {
  const depth = root.readUInt16LE(6);
  if (depth > MAX_DEPTH) throw damaged('is too deep');
  return runsBelow(blocks, root, depth, 0, 2 ** 32);
}

async function* runsBelow(blocks: Ext4Blocks, node: Buffer, depth: number, from: number, to: number): AsyncGenerator<BlockRun> {
  const count = entryCount(node, depth);
  let next = from;
  for (let index = 0; index < count; index++) {
    const at = ENTRY * (index + 1);
    const logical = node.readUInt32LE(at);
    const end = depth === 0 ? logical + runLength(node, at) : index + 1 < count ? node.readUInt32LE(at + ENTRY) : to;
    if (logical < next || end <= logical || end > to) throw damaged('is out of order');
    next = end;
    if (depth === 0) {
      const run = { logical, count: end - logical, physical: node.readUInt32LE(at + 8) + node.readUInt16LE(at + 6) * 2 ** 32 };
      if (node.readUInt16LE(at + 4) <= UNWRITTEN) yield run;
      continue;
    }
    const child = await blocks.block(node.readUInt32LE(at + 4) + node.readUInt16LE(at + 8) * 2 ** 32, 'a node of extents');
    if (entryCount(child, depth - 1) === 0) throw damaged('has an empty node');
    yield* runsBelow(blocks, child, depth - 1, logical, end);
  }
}

function entryCount(node: Buffer, depth: number): number {
  const count = node.readUInt16LE(2);
  if (node.readUInt16LE(0) !== MAGIC || node.readUInt16LE(6) !== depth || ENTRY * (count + 1) > node.length)
    throw damaged('has a node that is none');
  return count;
}

function runLength(node: Buffer, at: number): number {
  const length = node.readUInt16LE(at + 4);
  return length > UNWRITTEN ? length - UNWRITTEN : length;
}

const damaged = (how: string) => invalid(`the ext4 filesystem is damaged: a tree of extents ${how}`);
