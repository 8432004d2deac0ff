import { readRange, requireRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { invalid, refused } from '../refusal.js';
import { guid } from './guid.js';
import { isWhole } from './vhdx.header.js';

const MiB = 2 ** 20;
const TABLE = { offset: 192 * 1024, bytes: 64 * 1024 };
const ENTRIES = { at: 16, bytes: 32, max: 2047 };
const BLOCK_TABLE = guid('2DC27766-F623-4200-9D64-115E9BFD4A08');
const METADATA = guid('8B7CA206-4790-4B9A-B8FE-575F050F886E');

/** A part of the file, in bytes. */
export interface Region {
  offset: number;
  length: number;
}

export interface VhdxRegions {
  blockTable: Region;
  metadata: Region;
}

/** Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED. */
export async function readRegions(bytes: InspectableBytes): Promise<VhdxRegions> {
  const table = await readRange(bytes, TABLE.offset, TABLE.bytes, 'the region table of the VHDX disk');
  if (!isWhole(table, 'regi', 4)) throw invalid('the region table of the VHDX disk is damaged');
  const count = table.readUInt32LE(8);
  if (count > ENTRIES.max) throw invalid('the region table of the VHDX disk states too many regions');
  const found: Partial<VhdxRegions> = {};
  for (let index = 0; index < count; index++) {
    const entry = table.subarray(ENTRIES.at + index * ENTRIES.bytes, ENTRIES.at + (index + 1) * ENTRIES.bytes);
    const region = { offset: Number(entry.readBigUInt64LE(16)), length: entry.readUInt32LE(24) };
    if (region.offset < MiB || region.offset % MiB !== 0 || region.length % MiB !== 0)
      throw invalid('a region of the VHDX disk is misplaced');
    const name = nameOf(entry.subarray(0, 16));
    if (name === undefined) {
      if ((entry.readUInt32LE(28) & 1) !== 0) throw refused('the VHDX disk needs a region that is not known here');
      continue;
    }
    if (found[name]) throw invalid('the region table of the VHDX disk names a region twice');
    requireRange(bytes, region.offset, region.length, 'a region of the VHDX disk');
    found[name] = region;
  }
  const { blockTable, metadata } = found;
  if (!blockTable || !metadata) throw invalid('the VHDX disk has no block table, or no metadata');
  return { blockTable, metadata };
}

function nameOf(id: Buffer): keyof VhdxRegions | undefined {
  if (id.equals(BLOCK_TABLE)) return 'blockTable';
  return id.equals(METADATA) ? 'metadata' : undefined;
}
