import { invalid, refused } from '../../refusal.js';
import { crc32c } from './crc32c.js';

export const MAGIC = 0xc03b3998;
export const KIND = { descriptor: 1, commit: 2, superblock1: 3, superblock2: 4, revoke: 5 };

const INCOMPAT = { bits64: 0x2, asyncCommit: 0x4, csumV2: 0x8, csumV3: 0x10, fastCommit: 0x20 };
const KNOWN = 0x3f;
/** 4 GiB of journal; ext4's own tools make 1 GiB at most. */
const MAX_BLOCKS = 2 ** 20;

/** What the journal says of itself. Block numbers count within the journal. */
export interface JournalSuperblock {
  /** The log is a ring of the blocks from `first` to before `end`. */
  first: number;
  end: number;
  /** Where the oldest transaction begins; 0 where there is nothing to replay. */
  start: number;
  /** Number of the oldest transaction. */
  sequence: number;
  /** Where fast commits lie: behind the log, where there are any. */
  fastCommits: number | undefined;
  has64Bits: boolean;
  checksums: 'none' | 'v2' | 'v3';
  checksumSeed: number;
  /** A commit block may have been written before what it commits. */
  commitsEarly: boolean;
}

/** `size`: blocks of the journal's inode. Throws CONTENT_INVALID, CONTENT_REFUSED. */
export function parseJournalSuperblock(block: Buffer, size: number): JournalSuperblock {
  const u32 = (at: number) => block.readUInt32BE(at);
  const kind = u32(4);
  if (u32(0) !== MAGIC || (kind !== KIND.superblock1 && kind !== KIND.superblock2)) throw damaged('has no superblock');
  const incompat = kind === KIND.superblock2 ? u32(0x28) : 0;
  if ((incompat & ~KNOWN) !== 0)
    throw refused(`the journal of the ext4 filesystem has a feature that is not known here (0x${(incompat >>> 0).toString(16)})`);
  const hasFastCommits = (incompat & INCOMPAT.fastCommit) !== 0;
  const total = u32(0x10);
  // 256 is what ext4 takes where the field is empty.
  const end = hasFastCommits ? total - (u32(0x54) || 256) : total;
  const [first, start] = [u32(0x14), u32(0x1c)];
  if (u32(0xc) !== block.length || total > size || total > MAX_BLOCKS || first < 1 || first >= end || start >= end)
    throw damaged('states impossible numbers');
  if (start !== 0 && start < first) throw damaged('begins before its first block');
  return {
    ...{ first, end, start, sequence: u32(0x18) },
    fastCommits: hasFastCommits ? end : undefined,
    has64Bits: (incompat & INCOMPAT.bits64) !== 0,
    checksums: incompat & INCOMPAT.csumV3 ? 'v3' : incompat & INCOMPAT.csumV2 ? 'v2' : 'none',
    checksumSeed: crc32c(0xffffffff, block.subarray(0x30, 0x40)),
    commitsEarly: (incompat & INCOMPAT.asyncCommit) !== 0,
  };
}

export const damaged = (how: string) => invalid(`the journal of the ext4 filesystem ${how}, so what it holds cannot be replayed`);
