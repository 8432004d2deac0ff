import { describe, expect, test } from '@jest/globals';
import { crc32 } from 'node:zlib';
import { type GuestDisk } from '../guest-disk/guest-disk.js';
import { readPartitions } from './partitions.js';
import { volumeContents } from './volume-contents.js';

const SECTOR = 512;
const SIZE = 2 ** 20;

function disk(bytes: Buffer): GuestDisk {
  const read = async (position: number, length: number) => {
    if (position < 0 || position + length > bytes.length) throw new RangeError(`${length} bytes at ${position}`);
    return Buffer.from(bytes.subarray(position, position + length));
  };
  return { size: bytes.length, read, isZero: async () => false };
}

function row(bytes: Buffer, at: number, index: number, type: number, start: number, sectors: number): void {
  const offset = at * SECTOR + 0x1be + index * 16;
  bytes[offset + 4] = type;
  bytes.writeUInt32LE(start, offset + 8);
  bytes.writeUInt32LE(sectors, offset + 12);
  bytes.writeUInt16LE(0xaa55, at * SECTOR + 510);
}

function gpt({ sector = SECTOR, last = 99 } = {}): Buffer {
  const bytes = Buffer.alloc(SIZE);
  row(bytes, 0, 0, 0xee, 1, SIZE / SECTOR - 1);
  const table = Buffer.alloc(128 * 4);
  table.fill(0xaf, 128, 144);
  Buffer.from('00112233445566778899aabbccddeeff', 'hex').copy(table, 144);
  table.writeBigUInt64LE(40n, 128 + 32);
  table.writeBigUInt64LE(BigInt(last), 128 + 40);
  table.write('root', 128 + 56, 'utf16le');
  const header = (at: number, tableAt: number) => {
    const block = Buffer.alloc(92);
    block.write('EFI PART');
    block.writeUInt32LE(92, 12);
    block.writeBigUInt64LE(BigInt(tableAt), 72);
    block.writeUInt32LE(4, 80);
    block.writeUInt32LE(128, 84);
    block.writeUInt32LE(crc32(table), 88);
    block.writeUInt32LE(crc32(block), 16);
    block.copy(bytes, at * sector);
    table.copy(bytes, tableAt * sector);
  };
  header(1, 2);
  header(SIZE / sector - 1, SIZE / sector - 5);
  return bytes;
}

describe('the partitions of a disk', () => {
  const FOUND = {
    ...{ number: 2, start: 40 * SECTOR, size: 60 * SECTOR, label: 'root' },
    uuid: '33221100-5544-7766-8899-aabbccddeeff',
  };

  test('are read from a GPT, with sectors of either size', async () => {
    expect(await readPartitions(disk(gpt()))).toEqual([FOUND]);
    expect(await readPartitions(disk(gpt({ sector: 4096 })))).toEqual([
      { ...FOUND, start: FOUND.start * 8, size: FOUND.size * 8 },
    ]);
  });

  test.each([
    ['header', SECTOR + 60],
    ['table', 2 * SECTOR + 140],
  ])("are read from the GPT at the disk's end, where the %s of the first is damaged", async (_, at) => {
    const bytes = gpt();
    bytes[at] = 99;
    expect(await readPartitions(disk(bytes))).toEqual([FOUND]);
  });

  test('beyond the end of the disk are none', async () => {
    expect(await readPartitions(disk(gpt({ last: SIZE / SECTOR })))).toEqual([]);
    const bytes = Buffer.alloc(SIZE);
    row(bytes, 0, 0, 0x83, 2 ** 32 - 1, 2 ** 32 - 1);
    expect(await readPartitions(disk(bytes))).toEqual([]);
  });

  test('are read from an MBR, with the logical ones', async () => {
    const bytes = Buffer.alloc(SIZE);
    bytes.writeUInt32LE(0xdeadbeef, 440);
    row(bytes, 0, 0, 0x83, 100, 10);
    row(bytes, 0, 2, 0x05, 200, 500);
    row(bytes, 200, 0, 0x83, 1, 20);
    row(bytes, 200, 1, 0x05, 100, 50);
    row(bytes, 300, 0, 0x82, 2, 30);
    const places = (await readPartitions(disk(bytes)))!.map(({ number, start, size }) => [number, start / SECTOR, size / SECTOR]);
    expect(places).toEqual([
      [1, 100, 10],
      [5, 201, 20],
      [6, 302, 30],
    ]);
    expect((await readPartitions(disk(bytes)))![1]!.uuid).toBe('deadbeef-05');
  });

  test('in a chain that leads back to its start end there', async () => {
    const bytes = Buffer.alloc(SIZE);
    row(bytes, 0, 0, 0x0f, 200, 500);
    row(bytes, 200, 0, 0x83, 1, 20);
    row(bytes, 200, 1, 0x05, 0, 50);
    expect(await readPartitions(disk(bytes))).toHaveLength(1);
  });

  test('are not looked for in the boot sector of a filesystem, or in nothing', async () => {
    const bytes = Buffer.alloc(SIZE, 'text of a boot loader');
    bytes.writeUInt16LE(0xaa55, 510);
    expect(await readPartitions(disk(bytes))).toBeUndefined();
    expect(await readPartitions(disk(Buffer.alloc(SECTOR)))).toBeUndefined();
    expect(await readPartitions(disk(Buffer.alloc(0)))).toBeUndefined();
  });
});

describe('a volume', () => {
  test.each([
    ['XFS', 0, 'XFSB'],
    ['Btrfs', 65600, '_BHRfS_M'],
    ['an encrypted volume (LUKS)', 0, 'LUKS\xba\xbe'],
    ['LVM', 536, 'LVM2 001'],
    ['FAT', 82, 'FAT32'],
    ['NTFS', 3, 'NTFS    '],
    ['swap', 4086, 'SWAPSPACE2'],
    ['SquashFS', 0, 'hsqs'],
    ['ext', 1080, '\x53\xef'],
    ['something unknown', 77, 'x'],
    ['nothing', 0, ''],
  ])('is known as %s by its signature', async (name, at, signature) => {
    const bytes = Buffer.alloc(SIZE);
    bytes.write(signature, at, 'latin1');
    expect(await volumeContents(disk(bytes))).toBe(name);
    expect(await volumeContents(disk(bytes.subarray(0, 512)))).toEqual(expect.any(String));
  });
});
