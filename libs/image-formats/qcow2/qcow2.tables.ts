import { readRange, readTable, requireRange } from '../byte-range.js';
import { refuseBomb } from '../expansion.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid, truncated } from '../refusal.js';
import { leastLength, l2TableOffset, readL2Entry, SUBCLUSTERS, type PlainCluster } from './qcow2.entries.js';
import { bytesPerL2Table, entryLength, type Qcow2Header } from './qcow2.header.js';

export interface Qcow2Allocation {
  /** Guest bytes that the disk holds data for, in bytes. */
  allocatedSize: number;
  compressedClusters: number;
}

/**
 * Follows every offset of the active L1 and all L2 tables, and makes sure that what it points to is aligned and within the content: `qemu-img convert` itself
 * takes a truncated disk without a word. Reads as many bytes of tables as the content has at most, one table in memory at a time. Tables that name one cluster
 * for many places would make work for days out of a small disk: its clusters must fit into the content.
 */
export async function checkMapping(
  bytes: InspectableBytes,
  header: Qcow2Header,
  limits: InspectionLimits,
  signal?: AbortSignal,
): Promise<Qcow2Allocation> {
  const allocation: Qcow2Allocation = { allocatedSize: 0, compressedClusters: 0 };
  let guestOffset = 0;
  let tables = 0;
  for await (const piece of readTable(bytes, header.l1Offset, header.l1Entries * 8, 'the L1 table of the qcow2 disk', signal)) {
    for (let at = 0; at < piece.length; at += 8, guestOffset += bytesPerL2Table(header)) {
      const offset = l2TableOffset(piece, at, header);
      if (offset === 0) continue;
      signal?.throwIfAborted();
      tables++;
      if (tables * header.clusterSize > bytes.size) throw invalid('the qcow2 disk uses one L2 table several times');
      const table = await readRange(bytes, offset, header.clusterSize, 'an L2 table of the qcow2 disk');
      checkL2Table(table, guestOffset, bytes, header, allocation);
      if (allocation.allocatedSize - unpacked(allocation, header) > bytes.size + header.clusterSize)
        throw invalid('the qcow2 disk uses one cluster several times');
      refuseBomb('the qcow2 disk', unpacked(allocation, header), bytes.size, limits);
    }
  }
  return allocation;
}

const unpacked = ({ compressedClusters }: Qcow2Allocation, { clusterSize }: Qcow2Header) => compressedClusters * clusterSize;

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
    if (table.readUInt32BE(at) === 0 && table.readUInt32BE(at + 4) === 0 && !header.extendedL2) continue;
    const entry = readL2Entry(table, at, header);
    if (entry.kind === 'compressed') {
      requireRange(bytes, entry.offset, leastLength(entry), 'a compressed cluster of the qcow2 disk');
      allocation.compressedClusters++;
      allocation.allocatedSize += header.clusterSize;
    } else {
      allocation.allocatedSize += checkPlain(entry, guest, bytes, header);
    }
  }
}

/**
 * Returns how many guest bytes the cluster holds, up to and with the last allocated subcluster. What lies beyond the guest's end, no one reads: the last
 * cluster may be cut there.
 */
function checkPlain({ offset, allocated }: PlainCluster, guest: number, bytes: InspectableBytes, header: Qcow2Header): number {
  const used = ((SUBCLUSTERS - Math.clz32(allocated)) * header.clusterSize) / SUBCLUSTERS;
  if (used === 0) {
    if (offset >= bytes.size)
      throw truncated(`a cluster of the qcow2 disk should be at byte ${offset}, but the content ends at ${bytes.size}`);
    return 0;
  }
  const needed = Math.min(used, Math.max(header.virtualSize - guest, 0));
  requireRange(bytes, offset, needed, 'a cluster of the qcow2 disk');
  return used;
}
