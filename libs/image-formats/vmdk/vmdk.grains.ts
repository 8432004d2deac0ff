import { readRange, readTable, requireRange } from '../byte-range.js';
import { refuseBomb } from '../expansion.js';
import { type InspectableBytes, type InspectionLimits } from '../inspection.js';
import { invalid } from '../refusal.js';
import { SECTOR, TABLE_ENTRIES, type VmdkHeader } from './vmdk.header.js';

const TABLE_BYTES = TABLE_ENTRIES * 4;
/** So many tables are in memory at most: 1 MiB of them. */
const MOST_NEIGHBOURS = 2 ** 20 / TABLE_BYTES;
/** Before the data of a compressed grain: its place in the disk (8 bytes), and its length (4 bytes). */
export const GRAIN_MARKER_BYTES = 12;

export interface VmdkAllocation {
  /** Guest bytes that the disk holds data for. */
  allocatedSize: number;
}

/** Follows every grain table, and makes sure that it and all its grains are within the content. */
export async function checkGrains(
  bytes: InspectableBytes,
  header: VmdkHeader,
  limits: InspectionLimits,
  signal?: AbortSignal,
): Promise<VmdkAllocation> {
  let grains = 0;
  let lastGrain = 0;
  for await (const { table, firstSector } of readTables(bytes, header, header.grainDirectoryOffset, signal)) {
    for (let entry = 0; entry < TABLE_ENTRIES; entry++) {
      const sector = table.readUInt32LE(entry * 4);
      if (sector === 0 || (sector === 1 && header.zeroedGrains)) continue;
      checkGrain(bytes, header, sector, firstSector + entry * header.grainSize);
      lastGrain = Math.max(lastGrain, sector);
      grains++;
    }
    const allocated = grains * header.grainSize * SECTOR;
    if (header.compressed) refuseBomb('the VMDK disk', allocated, bytes.size, limits);
    else if (allocated > bytes.size + header.grainSize * SECTOR) throw invalid('the VMDK disk uses one grain several times');
  }
  if (header.compressed && lastGrain > 0) await checkEndOfCompressedGrain(bytes, header, lastGrain);
  if (header.redundantDirectoryOffset) await checkRedundantTables(bytes, header, header.redundantDirectoryOffset, signal);
  return { allocatedSize: Math.min(grains * header.grainSize, header.capacity) * SECTOR };
}

async function checkRedundantTables(
  bytes: InspectableBytes,
  header: VmdkHeader,
  offset: number,
  signal?: AbortSignal,
): Promise<void> {
  for await (const { sector } of readDirectory(bytes, header, offset, signal)) {
    requireRange(bytes, sector * SECTOR, TABLE_BYTES, 'a redundant grain table of the VMDK disk');
  }
}

/** Tables mostly lie together, and one read of many is far faster than many of one. */
async function* readTables(bytes: InspectableBytes, header: VmdkHeader, directory: number, signal?: AbortSignal) {
  let tables = 0;
  let neighbours: DirectoryEntry[] = [];
  for await (const entry of readDirectory(bytes, header, directory, signal)) {
    tables++;
    if (tables * TABLE_BYTES > bytes.size) throw invalid('the VMDK disk uses one grain table several times');
    if (!isNextTo(neighbours, entry)) {
      yield* readNeighbours(bytes, header, neighbours, signal);
      neighbours = [];
    }
    neighbours.push(entry);
  }
  yield* readNeighbours(bytes, header, neighbours, signal);
}

function isNextTo(neighbours: readonly DirectoryEntry[], { sector }: DirectoryEntry): boolean {
  const last = neighbours.at(-1);
  return last === undefined || (neighbours.length < MOST_NEIGHBOURS && sector === last.sector + TABLE_BYTES / SECTOR);
}

async function* readNeighbours(
  bytes: InspectableBytes,
  header: VmdkHeader,
  neighbours: readonly DirectoryEntry[],
  signal?: AbortSignal,
) {
  const [first] = neighbours;
  if (first === undefined) return;
  signal?.throwIfAborted();
  const what = 'a grain table of the VMDK disk';
  const tables = await readRange(bytes, first.sector * SECTOR, neighbours.length * TABLE_BYTES, what);
  for (const [at, { index }] of neighbours.entries())
    yield {
      table: tables.subarray(at * TABLE_BYTES, (at + 1) * TABLE_BYTES),
      firstSector: index * TABLE_ENTRIES * header.grainSize,
    };
}

interface DirectoryEntry {
  sector: number;
  index: number;
}

/** The grain tables that a directory names, with their index in it. */
async function* readDirectory(
  bytes: InspectableBytes,
  header: VmdkHeader,
  directory: number,
  signal?: AbortSignal,
): AsyncGenerator<DirectoryEntry> {
  const entries = Math.ceil(header.capacity / (TABLE_ENTRIES * header.grainSize));
  if (directory === 0) throw invalid('the VMDK disk has no grain directory');
  let index = 0;
  for await (const piece of readTable(bytes, directory * SECTOR, entries * 4, 'the grain directory of the VMDK disk', signal)) {
    for (let at = 0; at < piece.length; at += 4, index++) {
      const sector = piece.readUInt32LE(at);
      if (sector !== 0) yield { sector, index };
    }
  }
}

/** What lies beyond the guest's end, no one reads: the last grain may be cut there. A compressed grain must at least begin within the content. */
function checkGrain(bytes: InspectableBytes, header: VmdkHeader, sector: number, guestSector: number): void {
  const used = Math.min(header.grainSize, Math.max(header.capacity - guestSector, 0));
  requireRange(bytes, sector * SECTOR, header.compressed ? GRAIN_MARKER_BYTES : used * SECTOR, 'a grain of the VMDK disk');
}

/** The grain furthest back is the one that a truncated disk lacks; to read the marker of each would take minutes for a large disk. */
async function checkEndOfCompressedGrain(bytes: InspectableBytes, header: VmdkHeader, sector: number): Promise<void> {
  const marker = await readRange(bytes, sector * SECTOR, GRAIN_MARKER_BYTES, 'a grain of the VMDK disk');
  requireRange(bytes, sector * SECTOR + GRAIN_MARKER_BYTES, grainLength(marker, header), 'a grain of the VMDK disk');
}

/** How many compressed bytes follow this marker. */
export function grainLength(marker: Buffer, header: VmdkHeader): number {
  const length = marker.readUInt32LE(8);
  if (length === 0 || length > 2 * header.grainSize * SECTOR)
    throw invalid('a compressed grain of the VMDK disk states an impossible length');
  return length;
}
