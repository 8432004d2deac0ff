const KiB = 1024;
const MiB = 2 ** 20;
const BLOCK = MiB;
const LOG_OFFSET = MiB;
const BLOCK_TABLE_OFFSET = 2 * MiB;
const METADATA_OFFSET = 3 * MiB;
const DATA_OFFSET = 4 * MiB;
const POLYNOMIAL = 0x82f63b78;

/** Names of regions and metadata, as they lie in the file. */
export const VHDX_IDS = {
  blockTable: Buffer.from('6677c22d23f600429d64115e9bfd4a08', 'hex'),
  metadata: Buffer.from('06a27c8b90479a4bb8fe575f050f886e', 'hex'),
  parameters: Buffer.from('3767a1ca36fa434db3b633f0aa44e76b', 'hex'),
  virtualSize: Buffer.from('2442a52f1bcd7648b2115dbed83bf4b8', 'hex'),
  logicalSectorSize: Buffer.from('1dbf41816fa90947ba47f233a8faab5f', 'hex'),
  physicalSectorSize: Buffer.from('c748a3cd5d4471449cc9e9885251c556', 'hex'),
  page83: Buffer.from('ab12cabee6b2234593efc309e000c746', 'hex'),
  parentLocator: Buffer.from('2d5fd3a80bb34d45abf7d3d84834ab0c', 'hex'),
};

export interface VhdxOptions {
  virtualSize?: number;
  /** The guest's first blocks, one after the other. */
  blocks?: ('data' | 'unallocated' | 'zero')[];
  /** Last touches, before checksums are set. */
  edit?: (parts: VhdxParts) => void;
  /** And after that. */
  spoil?: (parts: VhdxParts) => void;
  /** Cuts the end. */
  length?: number;
}

export interface VhdxParts {
  /** The one that counts is the second. */
  headers: [Buffer, Buffer];
  regions: Buffer;
  /** The table, and from 64 KiB on what it names. */
  metadata: Buffer;
  blockTable: Buffer;
}

/** A dynamic VHDX disk of 1 MiB blocks, which qemu reads unless edited. Data blocks are filled with their number, counted from 1. */
export function buildVhdx({ virtualSize = 4 * MiB, blocks = ['data'], edit, spoil, length }: VhdxOptions = {}): Buffer {
  const front = Buffer.alloc(BLOCK_TABLE_OFFSET);
  front.write('vhdxfile', 0);
  const blockTable = Buffer.alloc(MiB);
  const data: Buffer[] = [];
  blocks.forEach((block, index) => {
    if (block === 'zero') blockTable.writeBigUInt64LE(2n, index * 8);
    if (block !== 'data') return;
    blockTable.writeBigUInt64LE(BigInt(DATA_OFFSET + data.length * BLOCK) | 6n, index * 8);
    data.push(Buffer.alloc(BLOCK, index + 1));
  });
  const parts: VhdxParts = {
    headers: [headerOf(1), headerOf(2)],
    regions: regionTable(),
    metadata: metadataOf(virtualSize),
    blockTable,
  };
  edit?.(parts);
  for (const block of [...parts.headers, parts.regions]) block.writeUInt32LE(checksumOf(block), 4);
  spoil?.(parts);
  parts.headers.forEach((header, index) => header.copy(front, (index + 1) * 64 * KiB));
  parts.regions.copy(front, 192 * KiB);
  parts.regions.copy(front, 256 * KiB);
  return Buffer.concat([front, parts.blockTable, parts.metadata, ...data]).subarray(0, length);
}

function headerOf(sequence: number): Buffer {
  const header = Buffer.alloc(4 * KiB);
  header.write('head', 0);
  header.writeBigUInt64LE(BigInt(sequence), 8);
  header.writeUInt16LE(1, 66);
  header.writeUInt32LE(MiB, 68);
  header.writeBigUInt64LE(BigInt(LOG_OFFSET), 72);
  return header;
}

function regionTable(): Buffer {
  const table = Buffer.alloc(64 * KiB);
  table.write('regi', 0);
  table.writeUInt32LE(2, 8);
  const regions: [Buffer, number][] = [
    [VHDX_IDS.blockTable, BLOCK_TABLE_OFFSET],
    [VHDX_IDS.metadata, METADATA_OFFSET],
  ];
  regions.forEach(([id, offset], index) => {
    const at = 16 + index * 32;
    id.copy(table, at);
    table.writeBigUInt64LE(BigInt(offset), at + 16);
    table.writeUInt32LE(MiB, at + 24);
    table.writeUInt32LE(1, at + 28);
  });
  return table;
}

function metadataOf(virtualSize: number): Buffer {
  const metadata = Buffer.alloc(MiB);
  metadata.write('metadata', 0);
  const items: [Buffer, Buffer][] = [
    [VHDX_IDS.parameters, number(BLOCK, 8)],
    [VHDX_IDS.virtualSize, number(virtualSize, 8)],
    [VHDX_IDS.logicalSectorSize, number(512, 4)],
    [VHDX_IDS.physicalSectorSize, number(4096, 4)],
    [VHDX_IDS.page83, Buffer.alloc(16, 7)],
  ];
  metadata.writeUInt16LE(items.length, 10);
  items.forEach(([id, content], index) => {
    const entry = 32 + index * 32;
    const at = 64 * KiB + index * 16;
    id.copy(metadata, entry);
    metadata.writeUInt32LE(at, entry + 16);
    metadata.writeUInt32LE(content.length, entry + 20);
    metadata.writeUInt32LE(index === 0 ? 4 : 6, entry + 24);
    content.copy(metadata, at);
  });
  return metadata;
}

function number(value: number, bytes: 4 | 8): Buffer {
  const field = Buffer.alloc(bytes);
  field.writeUIntLE(value, 0, Math.min(bytes, 6));
  return field;
}

/** CRC-32C, bit by bit. */
function checksumOf(block: Buffer): number {
  block.writeUInt32LE(0, 4);
  let crc = 0xffffffff;
  for (const byte of block) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  }
  return ~crc >>> 0;
}
