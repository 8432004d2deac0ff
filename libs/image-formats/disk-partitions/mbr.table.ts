import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { MAX_PARTITIONS, type Partition } from './partition.js';

const SECTOR = 512;
const EXTENDED = [0x05, 0x0f, 0x85];
const PROTECTS_A_GPT = 0xee;

interface Row {
  type: number;
  /** In bytes; what it counts from depends on where the row is. */
  start: number;
  size: number;
}

/** The partitions of an MBR, logical ones too; undefined where the first sector is none. A filesystem's boot sector carries the same signature, but no sound rows. */
export async function readMbr(disk: GuestDisk): Promise<Partition[] | undefined> {
  const sector = await readSector(disk, 0);
  const rows = sector && rowsOf(sector);
  if (!sector || !rows || rows.every(({ type }) => type === 0)) return undefined;
  const signature = sector.readUInt32LE(440).toString(16).padStart(8, '0');
  const partitions: Partition[] = [];
  const add = (number: number, start: number, size: number) => {
    if (size === 0 || start + size > disk.size) return;
    const uuid = `${signature}-${number.toString(16).padStart(2, '0')}`;
    partitions.push({ number, start, size, uuid, label: '' });
  };
  for (const [index, { type, start, size }] of rows.entries()) {
    if (type !== 0 && type !== PROTECTS_A_GPT && !EXTENDED.includes(type)) add(index + 1, start, size);
  }
  const extended = rows.find(({ type }) => EXTENDED.includes(type));
  if (extended) await followChain(disk, extended.start, add);
  return partitions;
}

/** Each logical partition has a table of its own: one row for it, and one that points to the next table. A table met twice ends the chain. */
async function followChain(
  disk: GuestDisk,
  base: number,
  add: (number: number, start: number, size: number) => void,
): Promise<void> {
  const seen = new Set<number>();
  for (let at = base, number = 5; number < MAX_PARTITIONS && !seen.has(at); number++) {
    seen.add(at);
    const sector = await readSector(disk, at);
    const [logical, next] = (sector && rowsOf(sector)) ?? [];
    if (!logical || !next) return;
    if (logical.type !== 0) add(number, at + logical.start, logical.size);
    if (!EXTENDED.includes(next.type)) return;
    at = base + next.start;
  }
}

async function readSector(disk: GuestDisk, at: number): Promise<Buffer | undefined> {
  if (at + SECTOR > disk.size) return undefined;
  const sector = await disk.read(at, SECTOR);
  return sector.readUInt16LE(510) === 0xaa55 ? sector : undefined;
}

function rowsOf(sector: Buffer): Row[] | undefined {
  const rows = [0x1be, 0x1ce, 0x1de, 0x1ee].map((at) => sector.subarray(at, at + 16));
  if (rows.some((row) => (row[0]! & 0x7f) !== 0)) return undefined;
  return rows.map((row) => ({ type: row[4]!, start: row.readUInt32LE(8) * SECTOR, size: row.readUInt32LE(12) * SECTOR }));
}
