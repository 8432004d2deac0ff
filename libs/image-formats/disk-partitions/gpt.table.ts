import { crc32 } from 'node:zlib';
import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { MAX_PARTITIONS, type Partition } from './partition.js';

const SECTOR_SIZES = [512, 4096];
const MAX_TABLE_BYTES = 2 ** 20;
const NO_TYPE = Buffer.alloc(16);

/** The partitions of a GPT, by its first header or else the one at the disk's end; undefined where no header is there whose checksums are right. */
export async function readGpt(disk: GuestDisk): Promise<Partition[] | undefined> {
  for (const sector of SECTOR_SIZES) {
    for (const at of [sector, Math.floor(disk.size / sector - 1) * sector]) {
      const partitions = await readTable(disk, sector, at);
      if (partitions) return partitions;
    }
  }
  return undefined;
}

async function readTable(disk: GuestDisk, sector: number, at: number): Promise<Partition[] | undefined> {
  if (at < sector || at + sector > disk.size) return undefined;
  const header = await disk.read(at, sector);
  if (header.toString('latin1', 0, 8) !== 'EFI PART') return undefined;
  const headerSize = header.readUInt32LE(12);
  if (headerSize < 92 || headerSize > sector) return undefined;
  const checksum = header.readUInt32LE(16);
  header.writeUInt32LE(0, 16);
  if (crc32(header.subarray(0, headerSize)) !== checksum) return undefined;

  const start = Number(header.readBigUInt64LE(72)) * sector;
  const entrySize = header.readUInt32LE(84);
  const size = header.readUInt32LE(80) * entrySize;
  if (entrySize < 128 || size > MAX_TABLE_BYTES || start + size > disk.size) return undefined;
  const table = await disk.read(start, size);
  if (crc32(table) !== header.readUInt32LE(88)) return undefined;
  return partitionsOf(table, entrySize, sector, disk.size);
}

function partitionsOf(table: Buffer, entrySize: number, sector: number, diskSize: number): Partition[] {
  const partitions: Partition[] = [];
  for (let at = 0; at + entrySize <= table.length && partitions.length < MAX_PARTITIONS; at += entrySize) {
    const entry = table.subarray(at, at + 128);
    if (entry.subarray(0, 16).equals(NO_TYPE)) continue;
    const start = Number(entry.readBigUInt64LE(32)) * sector;
    const end = (Number(entry.readBigUInt64LE(40)) + 1) * sector;
    if (start >= end || end > diskSize) continue;
    const label = entry.toString('utf16le', 56, 128).replace(/\0.*$/s, '');
    partitions.push({ number: at / entrySize + 1, start, size: end - start, uuid: guid(entry.subarray(16, 32)), label });
  }
  return partitions;
}

/** The first three fields of a GUID are little-endian. */
function guid(bytes: Buffer): string {
  const mixed = [bytes.subarray(0, 4), bytes.subarray(4, 6), bytes.subarray(6, 8)].map((part) =>
    Buffer.from(part).reverse().toString('hex'),
  );
  return [...mixed, bytes.toString('hex', 8, 10), bytes.toString('hex', 10)].join('-');
}
