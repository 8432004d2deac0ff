import { describe, expect, test } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { type ContentType } from '#libs/contracts';
import { buildQcow2, buildVdi, buildVhd, buildVhdx, buildVmdk, inMemory } from '#libs/testing/images';
import { contentDigest, openGuestDisk, type GuestDisk } from '../index.js';

const KiB = 1024;
const MiB = 2 ** 20;
const GiB = 2 ** 30;
const TiB = 2 ** 40;
const BLOCK = 4 * MiB;
const open = (content: Buffer, type: ContentType) => openGuestDisk(inMemory(content), type);

/** What a disk holds, from its start: bytes of one value, so many of them. */
const filled = (...runs: [value: number, length: number][]) =>
  Buffer.concat(runs.map(([value, length]) => Buffer.alloc(length, value)));

const DISKS: [string, ContentType, Buffer, Buffer][] = [
  ['raw', 'disk-raw', Buffer.alloc(1000, 1), filled([1, 1000], [0, 24])],
  [
    'qcow2',
    'disk-qcow2',
    buildQcow2({ virtualSize: 320 * KiB, clusters: ['data', 'zero', { compressed: 300 }, 'unallocated', 'data'] }),
    filled([1, 64 * KiB], [0, 64 * KiB], [3, 64 * KiB], [0, 64 * KiB], [5, 64 * KiB]),
  ],
  ['VMDK', 'disk-vmdk', buildVmdk(), filled([1, 64 * KiB], [2, 64 * KiB], [0, 896 * KiB])],
  ['streamed VMDK', 'disk-vmdk', buildVmdk({ kind: 'streamOptimized', capacity: 250 }), filled([1, 64 * KiB], [2, 61 * KiB])],
  [
    'VDI',
    'disk-vdi',
    buildVdi({ virtualSize: 3 * MiB + 512, blocks: ['data', 'unallocated', 'discarded', 'data'] }),
    filled([1, MiB], [0, 2 * MiB], [4, 512]),
  ],
  [
    'VHD',
    'disk-vhd',
    buildVhd({ virtualSize: 5 * MiB, blocks: ['unallocated', 'data', 'data'] }),
    filled([0, 2 * MiB], [2, 2 * MiB], [3, MiB]),
  ],
  ['fixed VHD', 'disk-vhd', buildVhd({ kind: 'fixed', virtualSize: MiB, content: Buffer.alloc(MiB, 9) }), filled([9, MiB])],
  [
    'VHDX',
    'disk-vhdx',
    buildVhdx({ virtualSize: 3 * MiB + 512, blocks: ['data', 'zero', 'unallocated', 'data'] }),
    filled([1, MiB], [0, 2 * MiB], [4, 512]),
  ],
];

describe('a guest disk', () => {
  test.each(DISKS)('has what its guest sees, whole and in any part: %s', async (_, type, content, expected) => {
    const disk = await open(content, type);
    expect(disk.size).toBe(expected.length);
    expect((await disk.read(0, disk.size)).equals(expected)).toBe(true);
    for (let round = 1; round < 60; round++) {
      const position = (round * 777_777) % disk.size;
      const length = Math.min((round * round * 997) % (MiB + 1), disk.size - position);
      const part = expected.subarray(position, position + length);
      expect((await disk.read(position, length)).equals(part)).toBe(true);
      if (await disk.isZero(position, length)) expect(part.equals(Buffer.alloc(length))).toBe(true);
    }
    await expect(disk.read(disk.size - 1, 2)).rejects.toThrow(RangeError);
  });

  test('knows where its zeros are', async () => {
    const disk = await open(DISKS[1]![2], 'disk-qcow2');
    expect(await disk.isZero(64 * KiB, 64 * KiB)).toBe(true);
    expect(await disk.isZero(192 * KiB, 64 * KiB)).toBe(true);
    expect(await disk.isZero(64 * KiB, 64 * KiB + 1)).toBe(false);
    expect(await disk.isZero(64 * KiB - 1, 2)).toBe(false);
  });

  test('reads into the buffer that it is given', async () => {
    for (const [, type, content, expected] of DISKS) {
      const into = Buffer.alloc(expected.length + 100, 0xee);
      const read = await (await open(content, type)).read(512, 100, into);
      expect(read.buffer).toBe(into.buffer);
      expect(into.subarray(0, 100).equals(expected.subarray(512, 612))).toBe(true);
      expect(into.subarray(100).every((byte) => byte === 0xee)).toBe(true);
    }
  });

  test('reads neighbours in one go, and zeros not at all', async () => {
    const content = buildQcow2({ clusters: ['data', 'data', 'data', 'zero', 'unallocated', 'data'] });
    const reads: [number, number][] = [];
    const bytes = inMemory(content);
    const watched = { ...bytes, read: (at: number, length: number) => (reads.push([at, length]), bytes.read(at, length)) };
    const disk = await openGuestDisk(watched, 'disk-qcow2');
    await disk.read(0, disk.size);
    expect(reads.filter(([at]) => at >= 5 * 64 * KiB)).toEqual([
      [5 * 64 * KiB, 3 * 64 * KiB],
      [8 * 64 * KiB, 64 * KiB],
    ]);
  });

  test('of damaged compressed data is invalid, when it is read', async () => {
    for (const damage of [Buffer.alloc(300, 0xff), Buffer.alloc(300)]) {
      const content = buildQcow2({ clusters: ['data', { compressed: 300 }] });
      damage.copy(content, 6 * 64 * KiB);
      const disk = await open(content, 'disk-qcow2');
      await expect(disk.read(0, 64 * KiB)).resolves.toBeDefined();
      await expect(disk.read(0, 128 * KiB)).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
    }
  });

  test('that was cut is truncated, when it is read', async () => {
    const cuts: Record<string, number> = { qcow2: 512, VMDK: 512, VDI: MiB, VHDX: MiB };
    for (const [name, type, content] of DISKS.filter(([of]) => of in cuts)) {
      const disk = await open(content.subarray(0, content.length - cuts[name]!), type);
      await expect(contentDigest(disk)).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
    }
  });
});

describe('a content digest', () => {
  function digestOf(content: Buffer): string {
    const blocks = Array.from({ length: Math.ceil(content.length / BLOCK) }, (_, at) =>
      createHash('sha256')
        .update(content.subarray(at * BLOCK, (at + 1) * BLOCK))
        .digest(),
    );
    const size = Buffer.alloc(8);
    size.writeBigUInt64BE(BigInt(content.length));
    return `disk-sha256-4m:${createHash('sha256')
      .update(Buffer.concat([...blocks, size]))
      .digest('hex')}`;
  }

  test.each(DISKS)('is of what the guest sees: %s', async (_, type, content, expected) => {
    expect(await contentDigest(await open(content, type))).toBe(digestOf(expected));
  });

  test('is of blocks of 4 MiB, in their order', async () => {
    const content = Buffer.concat([randomBytes(2 * BLOCK), Buffer.alloc(2 * BLOCK), randomBytes(9 * BLOCK + 512)]);
    expect(await contentDigest(await open(content, 'disk-raw'))).toBe(digestOf(content));
  });

  test('of a huge disk without data takes no reading', async () => {
    const huge: GuestDisk = { size: 2 * TiB, isZero: () => Promise.resolve(true), read: () => Promise.reject(new Error('read')) };
    let done = 0;
    expect(await contentDigest(huge, { advance: (bytes) => (done += bytes) })).toMatch(/^disk-sha256-4m:[0-9a-f]{64}$/);
    expect(done).toBe(huge.size);
  });

  test('counts all bytes once', async () => {
    const disk = await open(
      buildQcow2({ virtualSize: 3 * GiB + 1024, edit: ({ header }) => header.writeUInt32BE(7, 36) }),
      'disk-qcow2',
    );
    let done = 0;
    await contentDigest(disk, { advance: (bytes) => (done += bytes) });
    expect(done).toBe(3 * GiB + 1024);
  });

  test('stops when it is aborted, with the reason', async () => {
    const stopping = new AbortController();
    const disk = await open(Buffer.alloc(5 * BLOCK), 'disk-raw');
    const digest = contentDigest(disk, {
      signal: stopping.signal,
      advance: () => stopping.abort(new Error('the lease has ended')),
    });
    await expect(digest).rejects.toThrow('the lease has ended');
  });
});
