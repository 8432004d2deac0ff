import { invalid } from '../refusal.js';
import { mappedRuns } from './block.map.js';
import { type BlockRun, type Ext4Blocks } from './ext4.blocks.js';
import { type Inode } from './ext4.inode.js';
import { inlineRest } from './ext4.xattrs.js';
import { extentRuns } from './extent.tree.js';

const PIECE = 2 ** 20;

/** A part of a file's content; one follows the other. `bytes` are not the receiver's to change. */
export type ContentPart = { kind: 'data'; bytes: Buffer } | { kind: 'zeros'; length: number };

/** The content in pieces of at most 1 MiB, `inode.size` bytes in all; zeros that need not be read are of any length. Throws CONTENT_INVALID. */
export async function* contentOf(blocks: Ext4Blocks, inode: Inode): AsyncGenerator<ContentPart> {
  if (inode.isInline) {
    yield* inlineContent(inode);
    return;
  }
  const { blockSize } = blocks;
  let done = 0;
  for await (const run of blockRuns(blocks, inode)) {
    const start = run.logical * blockSize;
    const end = Math.min(start + run.count * blockSize, inode.size);
    if (start >= end) break;
    if (start < done) throw invalid('the ext4 filesystem is damaged: blocks of a file overlap');
    blocks.requireBlocks(run.physical, run.count, 'the content of a file');
    if (start > done) yield { kind: 'zeros', length: start - done };
    yield* partsOf(blocks, run.physical * blockSize, end - start);
    done = end;
  }
  if (done < inode.size) yield { kind: 'zeros', length: inode.size - done };
}

export function blockRuns(blocks: Ext4Blocks, inode: Inode): AsyncGenerator<BlockRun> {
  if (inode.hasExtents) return extentRuns(blocks, inode.blockArea);
  return mappedRuns(blocks, inode.blockArea, Math.ceil(inode.size / blocks.blockSize));
}

async function* partsOf(blocks: Ext4Blocks, position: number, length: number): AsyncGenerator<ContentPart> {
  for (let done = 0; done < length; done += PIECE) {
    const size = Math.min(PIECE, length - done);
    if (await blocks.isZero(position + done, size)) yield { kind: 'zeros', length: size };
    else yield { kind: 'data', bytes: await blocks.read(position + done, size) };
  }
}

function* inlineContent(inode: Inode): Generator<ContentPart> {
  const bytes = Buffer.concat([inode.blockArea, inlineRest(inode)]);
  if (inode.size > bytes.length) throw invalid('the ext4 filesystem is damaged: a file within its inode is cut');
  if (inode.size > 0) yield { kind: 'data', bytes: bytes.subarray(0, inode.size) };
}
