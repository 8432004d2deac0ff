import { isWholeBlock, isWholeCommit, isWholeCopy, revokedBlocks, tagsOf, type Tag } from './journal.blocks.js';
import { damaged, KIND, MAGIC, type JournalSuperblock } from './journal.superblock.js';

/** A copy in the log, by its place there. */
interface LoggedCopy extends Tag {
  at: number;
}

interface Transaction {
  sequence: number;
  copies: LoggedCopy[];
  revoked: number[];
  /** Whether a block of it that steers is damaged; that matters only where it was committed. */
  isDamaged: boolean;
}

/** Reads one block of the journal, by its place there. */
export type ReadBlock = (at: number) => Promise<Buffer>;

/** The newest copy of each block that the log holds, from whole transactions only. Throws CONTENT_INVALID. */
export async function newestCopies(read: ReadBlock, journal: JournalSuperblock): Promise<Map<number, LoggedCopy>> {
  const transactions = await committedTransactions(read, journal);
  const voidUntil = new Map<number, number>();
  for (const [order, { revoked }] of transactions.entries()) for (const block of revoked) voidUntil.set(block, order);
  const newest = new Map<number, LoggedCopy>();
  for (const [order, { sequence, copies }] of transactions.entries()) {
    for (const copy of copies) {
      if ((voidUntil.get(copy.block) ?? -1) >= order) continue;
      const isWhole = journal.checksums === 'none' || isWholeCopy(await read(copy.at), copy, sequence, journal);
      if (!isWhole) throw damaged('holds a damaged copy of a block');
      newest.set(copy.block, copy);
    }
  }
  return newest;
}

/** From the oldest on, until what follows is of another round of the ring, or was never committed. */
async function committedTransactions(read: ReadBlock, journal: JournalSuperblock): Promise<Transaction[]> {
  const { first, end } = journal;
  const committed: Transaction[] = [];
  const begin = (sequence: number): Transaction => ({ sequence, copies: [], revoked: [], isDamaged: false });
  let current = begin(journal.sequence);
  let at = journal.start;
  const step = (): number => {
    const here = at;
    at = at + 1 === end ? first : at + 1;
    return here;
  };
  for (let left = end - first; left > 0; left--) {
    const block = await read(step());
    if (block.readUInt32BE(0) !== MAGIC || block.readUInt32BE(8) !== current.sequence) break;
    const kind = block.readUInt32BE(4);
    if (kind === KIND.descriptor) {
      current.isDamaged ||= !isWholeBlock(block, journal);
      const tags = tagsOf(block, journal);
      left -= tags.length;
      for (const tag of tags) current.copies.push({ ...tag, at: step() });
    } else if (kind === KIND.revoke) {
      current.isDamaged ||= !isWholeBlock(block, journal);
      if (!current.isDamaged) current.revoked.push(...revokedBlocks(block, journal));
    } else if (kind === KIND.commit) {
      if (!isWholeCommit(block, journal)) {
        if (journal.commitsEarly) break;
        throw damaged('holds a damaged transaction');
      }
      if (current.isDamaged) throw damaged('holds a damaged transaction');
      committed.push(current);
      current = begin((current.sequence + 1) >>> 0);
    } else break;
  }
  await refuseFastCommits(read, journal, current.sequence);
  return committed;
}

/** They hold changes as ext4's own operations, which only ext4 replays. */
async function refuseFastCommits(read: ReadBlock, journal: JournalSuperblock, next: number): Promise<void> {
  if (journal.fastCommits === undefined) return;
  const head = await read(journal.fastCommits);
  if (head.readUInt16LE(0) === 9 && head.readUInt32LE(8) === next)
    throw damaged('holds fast commits, which are not understood here: shut the machine down and take the disk again');
}
