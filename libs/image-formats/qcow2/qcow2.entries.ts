import { invalid } from '../refusal.js';
import { type Qcow2Header } from './qcow2.header.js';

export const SUBCLUSTERS = 32;
const ALL = 0xffffffff;
const SECTOR = 512;

/** What an L2 entry says of its cluster. */
export type L2Entry = PlainCluster | CompressedCluster;

export interface PlainCluster {
  kind: 'plain';
  /** In the content; 0 where there is none. */
  offset: number;
  /** Bit n set: the subcluster n reads as zeros, or holds data. Without subclusters, all bits of one are set, or none. */
  zeros: number;
  allocated: number;
}

export interface CompressedCluster {
  kind: 'compressed';
  offset: number;
  /** Up to the end of the last sector it reaches into. */
  length: number;
}

/** Throws CONTENT_INVALID for an entry that no disk has. */
export function readL2Entry(table: Buffer, at: number, header: Qcow2Header): L2Entry {
  const high = table.readUInt32BE(at);
  if ((high & 0x40000000) !== 0) return compressedCluster(high, table.readUInt32BE(at + 4), header);
  if (header.extendedL2) return withSubclusters(table, at, header);
  const zeroFlag = header.version === 3 && (table[at + 7]! & 1) !== 0;
  const offset = hostOffset(table, at, 0x3f000000, zeroFlag ? 0x1fe : 0x1ff, header, 'a cluster');
  return { kind: 'plain', offset, zeros: zeroFlag ? ALL : 0, allocated: zeroFlag || offset === 0 ? 0 : ALL };
}

export const l2TableOffset = (l1: Buffer, at: number, header: Qcow2Header): number =>
  hostOffset(l1, at, 0x7f000000, 0x1ff, header, 'an L2 table');

function withSubclusters(table: Buffer, at: number, header: Qcow2Header): PlainCluster {
  const offset = hostOffset(table, at, 0x3f000000, 0x1ff, header, 'a cluster');
  const zeros = table.readUInt32BE(at + 8);
  const allocated = table.readUInt32BE(at + 12);
  if ((zeros & allocated) !== 0 || (allocated !== 0 && offset === 0))
    throw invalid('the subclusters of the qcow2 disk contradict themselves');
  return { kind: 'plain', offset, zeros, allocated };
}

/** Its offset, and below bit 62 the number of 512-byte sectors it reaches into after its first. */
function compressedCluster(high: number, low: number, header: Qcow2Header): CompressedCluster {
  const offsetBits = 62 - (header.clusterBits - 8);
  const highOffset = 2 ** (offsetBits - 32);
  const field = high & 0x3fffffff;
  const offset = (field % highOffset) * 2 ** 32 + low;
  const sectors = Math.floor(field / highOffset) + 1;
  return { kind: 'compressed', offset, length: sectors * SECTOR - (offset % SECTOR) };
}

/** The entry tells of the last sector, not where in it the data ends: at the end of the content it may be cut there. */
export const leastLength = ({ length }: CompressedCluster): number => Math.max(length - SECTOR, 0) + 1;

/** Bits 9 to 55 of the entry. `reservedHigh` and `reservedLow` are those of its two halves that must be zero. */
function hostOffset(
  table: Buffer,
  at: number,
  reservedHigh: number,
  reservedLow: number,
  header: Qcow2Header,
  what: string,
): number {
  const high = table.readUInt32BE(at);
  const low = table.readUInt32BE(at + 4);
  if ((high & reservedHigh) !== 0 || (low & reservedLow) !== 0)
    throw invalid(`the entry for ${what} of the qcow2 disk has reserved bits set`);
  const offset = (high & 0x00ffffff) * 2 ** 32 + (low - (low % 512));
  if (offset % header.clusterSize !== 0) throw invalid(`${what} of the qcow2 disk is misplaced (at byte ${offset})`);
  return offset;
}
