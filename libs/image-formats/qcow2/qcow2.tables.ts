import { readRange, readTable, requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid, truncated } from '../refusal.js';
import { bytesPerL2Table, entryLength, type Qcow2Header } from './qcow2.header.js';

const SUBCLUSTERS = 32;

export interface Qcow2Allocation {
  /** Guest bytes that the disk holds data for, in bytes. */
  allocatedSize: number;
  compressedClusters: number;
}

/**
 * Follows every offset of the active L1 and all L2 tables, and makes sure that what it points to is aligned and within the content: `qemu-img convert` itself
 * takes a truncated disk without a word. Reads as many bytes of tables as the content has at most, one table in memory at a time.
 */
export async function checkMapping(bytes: InspectableBytes, header: Qcow2Header, signal?: AbortSignal): Promise<Qcow2Allocation> {
  const allocation: Qcow2Allocation = { allocatedSize: 0, compressedClusters: 0 };
  let guestOffset = 0;
  let tables = 0;
  for await (const piece of readTable(bytes, header.l1Offset, header.l1Entries * 8, 'the L1 table of the qcow2 disk', signal)) {
    for (let at = 0; at < piece.length; at += 8, guestOffset += bytesPerL2Table(header)) {
      const offset = hostOffset(piece, at, 0x7f000000, 0x1ff, header, 'an L2 table');
      if (offset === 0) continue;
      signal?.throwIfAborted();
      tables++;
      if (tables * header.clusterSize > bytes.size) throw invalid('the qcow2 disk uses one L2 table several times');
      const table = await readRange(bytes, offset, header.clusterSize, 'an L2 table of the qcow2 disk');
      checkL2Table(table, guestOffset, bytes, header, allocation);
    }
  }
  return allocation;
}

/** Makes sure that the refcount table and all blocks it names are within the content. */
export async function checkRefcounts(bytes: InspectableBytes, header: Qcow2Header, signal?: AbortSignal): Promise<void> {
  const what = 'the refcount table of the qcow2 disk';
  for await (const piece of readTable(bytes, header.refcountTableOffset, header.refcountTableBytes, what, signal)) {
    for (let at = 0; at < piece.length; at += 8) {
      const offset = piece.readUInt32BE(at) * 2 ** 32 + piece.readUInt32BE(at + 4);
      if (offset === 0) continue;
      if (offset % header.clusterSize !== 0) throw invalid('a refcount block of the qcow2 disk is misplaced');
      requireRange(bytes, offset, header.clusterSize, 'a refcount block of the qcow2 disk');
    }
  }
}

function checkL2Table(
  table: Buffer,
  tableGuestOffset: number,
  bytes: InspectableBytes,
  header: Qcow2Header,
  allocation: Qcow2Allocation,
): void {
  const step = entryLength(header);
  for (let at = 0, guest = tableGuestOffset; at < table.length; at += step, guest += header.clusterSize) {
    const high = table.readUInt32BE(at);
    if (high === 0 && table.readUInt32BE(at + 4) === 0 && !header.extendedL2) continue;
    if ((high & 0x40000000) !== 0) {
      checkCompressed(high, table.readUInt32BE(at + 4), bytes, header);
      allocation.compressedClusters++;
      allocation.allocatedSize += header.clusterSize;
    } else {
      allocation.allocatedSize += checkPlain(table, at, guest, bytes, header);
    }
  }
}

/** Returns how many guest bytes the cluster holds. What lies beyond the guest's end, no one reads: the last cluster may be cut there. */
function checkPlain(table: Buffer, at: number, guest: number, bytes: InspectableBytes, header: Qcow2Header): number {
  const zeroFlag = !header.extendedL2 && header.version === 3 && (table[at + 7]! & 1) !== 0;
  const offset = hostOffset(table, at, 0x3f000000, zeroFlag ? 0x1fe : 0x1ff, header, 'a cluster');
  const used = header.extendedL2 ? subclusterBytes(table, at, offset, header) : zeroFlag || offset === 0 ? 0 : header.clusterSize;
  if (used === 0) {
    if (offset >= bytes.size)
      throw truncated(`a cluster of the qcow2 disk should be at byte ${offset}, but the content ends at ${bytes.size}`);
    return 0;
  }
  const needed = Math.min(used, Math.max(header.virtualSize - guest, 0));
  requireRange(bytes, offset, needed, 'a cluster of the qcow2 disk');
  return used;
}

/** Up to and with the last allocated subcluster. */
function subclusterBytes(table: Buffer, at: number, offset: number, header: Qcow2Header): number {
  const zeros = table.readUInt32BE(at + 8);
  const allocated = table.readUInt32BE(at + 12);
  if ((zeros & allocated) !== 0 || (allocated !== 0 && offset === 0))
    throw invalid('the subclusters of the qcow2 disk contradict themselves');
  return ((SUBCLUSTERS - Math.clz32(allocated)) * header.clusterSize) / SUBCLUSTERS;
}

/** A compressed cluster: its offset, and below bit 62 the number of 512-byte sectors it reaches into after its first. */
function checkCompressed(high: number, low: number, bytes: InspectableBytes, header: Qcow2Header): void {
  const offsetBits = 62 - (header.clusterBits - 8);
  const highOffset = 2 ** (offsetBits - 32);
  const field = high & 0x3fffffff;
  const offset = (field % highOffset) * 2 ** 32 + low;
  const sectors = Math.floor(field / highOffset) + 1;
  requireRange(bytes, offset, sectors * 512 - (offset % 512), 'a compressed cluster of the qcow2 disk');
}

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
