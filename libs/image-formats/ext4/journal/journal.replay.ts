import { refused } from '../../refusal.js';
import { type BlockRun, type Ext4Blocks, type JournalCopy } from '../ext4.blocks.js';
import { blockRuns } from '../ext4.content.js';
import { type Inode } from '../ext4.inode.js';
import { newestCopies } from './journal.log.js';
import { damaged, parseJournalSuperblock } from './journal.superblock.js';

/**
 * What a mount would write back from the journal of a filesystem that was not unmounted: for each block its newest committed copy. Nothing is written
 * or kept but where those copies are. Throws CONTENT_INVALID, CONTENT_REFUSED.
 */
export async function copiesToReplay(blocks: Ext4Blocks, inode: Inode): Promise<ReadonlyMap<number, JournalCopy>> {
  if (inode.type !== 'file' || inode.isInline) throw damaged('is no file');
  const runs = await collect(blocks, inode);
  const place = (at: number): number => {
    const run = runs.find(({ logical, count }) => at >= logical && at < logical + count);
    if (!run) throw damaged('has a hole');
    return run.physical + at - run.logical;
  };
  const read = (at: number) => blocks.block(place(at), 'the journal');
  const journal = parseJournalSuperblock(await read(0), Math.floor(inode.size / blocks.blockSize));
  if (journal.start === 0) return new Map();
  const copies = new Map<number, JournalCopy>();
  for (const [block, { at, escaped }] of await newestCopies(read, journal)) {
    if (block >= blocks.blockCount) throw damaged('means a block outside of it');
    copies.set(block, { block: place(at), escaped });
  }
  return copies;
}

async function collect(blocks: Ext4Blocks, inode: Inode): Promise<BlockRun[]> {
  const runs: BlockRun[] = [];
  for await (const run of blockRuns(blocks, inode)) {
    if (runs.length >= 65_536) throw refused('the journal of the ext4 filesystem lies in too many pieces');
    blocks.requireBlocks(run.physical, run.count, 'the journal');
    runs.push(run);
  }
  return runs;
}
