import { deflateSync } from 'node:zlib';

const SECTOR = 512;
const GRAIN_SECTORS = 128;
const GRAIN = GRAIN_SECTORS * SECTOR;
const TABLE_ENTRIES = 512;
const DESCRIPTOR_SECTORS = 20;
const DIRECTORY_SECTOR = 1 + DESCRIPTOR_SECTORS;
const DATA_SECTOR = 128;

export interface VmdkOptions {
  kind?: 'monolithicSparse' | 'streamOptimized';
  /** In sectors; at most one grain table's worth. */
  capacity?: number;
  /** Grains of data at the start of the disk, filled with their number, counted from 1. */
  grains?: number;
  descriptor?: string;
  /** Last touches. `footer` is there only in a streamOptimized disk. */
  edit?: (parts: { header: Buffer; footer: Buffer; directory: Buffer; table: Buffer }) => void;
  /** Cuts the end. */
  length?: number;
}

export function vmdkDescriptor({
  createType = 'monolithicSparse',
  parentCID = 'ffffffff',
  extent = `RW 2048 SPARSE "disk.vmdk"`,
  more = '',
} = {}): string {
  return `# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=${parentCID}
createType="${createType}"

# Extent description
${extent}
${more}
# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "2"
ddb.adapterType = "lsilogic"
`;
}

/** A VMDK of 64 KiB grains with one grain table, which qemu-img reads unless edited. */
export function buildVmdk({
  kind = 'monolithicSparse',
  capacity = 2048,
  grains = 2,
  descriptor,
  edit,
  length,
}: VmdkOptions = {}): Buffer {
  const stream = kind === 'streamOptimized';
  const text = descriptor ?? vmdkDescriptor({ createType: kind, extent: `RW ${capacity} SPARSE "disk.vmdk"` });
  const descriptorArea = Buffer.alloc(DESCRIPTOR_SECTORS * SECTOR);
  descriptorArea.write(text);
  const directory = Buffer.alloc(SECTOR);
  const table = Buffer.alloc(TABLE_ENTRIES * 4);
  const data = Array.from({ length: grains }, (_, at) => (stream ? compressedGrain(at) : Buffer.alloc(GRAIN, at + 1)));

  let sector = DATA_SECTOR;
  data.forEach((grain, at) => {
    table.writeUInt32LE(sector, at * 4);
    sector += grain.length / SECTOR;
  });
  // At the start there is room for directory and table before the data; in a stream they come after it, each behind its marker.
  const directorySector = stream ? sector + 1 + table.length / SECTOR + 1 : DIRECTORY_SECTOR;
  directory.writeUInt32LE(stream ? sector + 1 : DIRECTORY_SECTOR + 1, 0);
  const header = sparseHeader(capacity, stream, stream ? 0xffffffffffffffffn : BigInt(directorySector));
  const footer = sparseHeader(capacity, stream, BigInt(directorySector));
  edit?.({ header, footer, directory, table });

  const front = [header, descriptorArea, ...(stream ? [] : [directory, table])];
  const gap = Buffer.alloc(DATA_SECTOR * SECTOR - front.reduce((sum, part) => sum + part.length, 0));
  const tail = stream ? [marker(4, 1), table, marker(1, 2), directory, marker(1, 3), footer, marker(0, 0)] : [];
  return Buffer.concat([...front, gap, ...data, ...tail]).subarray(0, length);
}

/** A disk with the name of a parent where the header has no descriptor. But for the one behind zeros, qemu finds them all. */
export function hiddenParent(place: 'beyond its size' | 'behind zeros' | 'before it', parent = 'parent.vmdk'): Buffer {
  const hint = `parentFileNameHint="${parent}"\n`;
  if (place === 'before it') {
    const disk = buildVmdk({
      descriptor: vmdkDescriptor({ more: hint }),
      edit: ({ header }) => header.writeBigUInt64LE(40n, 28),
    });
    disk.write(vmdkDescriptor(), 40 * SECTOR);
    return disk;
  }
  const padding = place === 'behind zeros' ? '\0' : '#';
  return buildVmdk({
    descriptor: `${vmdkDescriptor().padEnd(SECTOR - 1, padding)}\n${hint}`,
    edit: ({ header }) => header.writeBigUInt64LE(1n, 36),
  });
}

function sparseHeader(capacity: number, stream: boolean, directory: bigint): Buffer {
  const header = Buffer.alloc(SECTOR);
  header.write('KDMV', 0);
  header.writeUInt32LE(stream ? 3 : 1, 4);
  header.writeUInt32LE(stream ? 0x30001 : 0x1, 8);
  header.writeBigUInt64LE(BigInt(capacity), 12);
  header.writeBigUInt64LE(BigInt(GRAIN_SECTORS), 20);
  header.writeBigUInt64LE(1n, 28);
  header.writeBigUInt64LE(BigInt(DESCRIPTOR_SECTORS), 36);
  header.writeUInt32LE(TABLE_ENTRIES, 44);
  header.writeBigUInt64LE(directory, 56);
  header.writeBigUInt64LE(BigInt(DATA_SECTOR), 64);
  header.write('\n \r\n', 73);
  header.writeUInt16LE(stream ? 1 : 0, 77);
  return header;
}

function compressedGrain(index: number): Buffer {
  const content = deflateSync(Buffer.alloc(GRAIN, index + 1));
  const grain = Buffer.alloc(Math.ceil((12 + content.length) / SECTOR) * SECTOR);
  grain.writeBigUInt64LE(BigInt(index * GRAIN_SECTORS), 0);
  grain.writeUInt32LE(content.length, 8);
  content.copy(grain, 12);
  return grain;
}

function marker(sectors: number, type: number): Buffer {
  const block = Buffer.alloc(SECTOR);
  block.writeBigUInt64LE(BigInt(sectors), 0);
  block.writeUInt32LE(type, 12);
  return block;
}
