import { crc32c } from './crc32c.js';
import { damaged, type JournalSuperblock } from './journal.superblock.js';

const HEADER = 12;
const TAIL = 4;
const FLAGS = { escaped: 1, sameUuid: 2, last: 8 };

/** One block of the filesystem, of which a copy follows in the log. */
export interface Tag {
  block: number;
  escaped: boolean;
  checksum: number;
}

/** The tags of a descriptor block, in the order of the copies behind it. */
export function tagsOf(block: Buffer, journal: JournalSuperblock): Tag[] {
  const size = journal.checksums === 'v3' ? 16 : 8 + (journal.has64Bits ? 4 : 0) + (journal.checksums === 'v2' ? 2 : 0);
  const end = block.length - (journal.checksums === 'none' ? 0 : TAIL);
  const tags: Tag[] = [];
  for (let at = HEADER; at + size <= end;) {
    // The flags are the lower half of a longer field in v3.
    const flags = block.readUInt16BE(at + 6);
    tags.push({
      block: block.readUInt32BE(at) + (journal.has64Bits ? block.readUInt32BE(at + 8) * 2 ** 32 : 0),
      escaped: (flags & FLAGS.escaped) !== 0,
      checksum: journal.checksums === 'v3' ? block.readUInt32BE(at + 12) : block.readUInt16BE(at + 4),
    });
    if ((flags & FLAGS.last) !== 0) break;
    at += size + ((flags & FLAGS.sameUuid) !== 0 ? 0 : 16);
  }
  return tags;
}

/** The blocks whose older copies a revoke block makes void. */
export function revokedBlocks(block: Buffer, journal: JournalSuperblock): number[] {
  const size = journal.has64Bits ? 8 : 4;
  const end = block.readUInt32BE(HEADER);
  if (end > block.length - (journal.checksums === 'none' ? 0 : TAIL)) throw damaged('has a damaged list of void blocks');
  const blocks: number[] = [];
  for (let at = HEADER + 4; at + size <= end; at += size) {
    blocks.push(size === 8 ? Number(block.readBigUInt64BE(at)) : block.readUInt32BE(at));
  }
  return blocks;
}

/** Whether a descriptor or revoke block, whose checksum is at its end, is as it was written. */
export function isWholeBlock(block: Buffer, journal: JournalSuperblock): boolean {
  return journal.checksums === 'none' || isWhole(block, block.length - TAIL, journal);
}

export function isWholeCommit(block: Buffer, journal: JournalSuperblock): boolean {
  return journal.checksums === 'none' || isWhole(block, 16, journal);
}

/** Whether the copy of a block is the one that its tag means, in a journal with checksums. */
export function isWholeCopy(copy: Buffer, tag: Tag, sequence: number, journal: JournalSuperblock): boolean {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(sequence);
  const checksum = crc32c(crc32c(journal.checksumSeed, number), copy);
  return journal.checksums === 'v3' ? checksum === tag.checksum : (checksum & 0xffff) === tag.checksum;
}

function isWhole(block: Buffer, checksumAt: number, journal: JournalSuperblock): boolean {
  const unsigned = Buffer.from(block);
  unsigned.writeUInt32BE(0, checksumAt);
  return crc32c(journal.checksumSeed, unsigned) === block.readUInt32BE(checksumAt);
}
