import { describe, expect, test } from '@jest/globals';
import { buildVdi, inMemory, type VdiOptions } from '#libs/testing/images';
import { inspectFacts } from '../inspect.js';

const MiB = 2 ** 20;
const TiB = 2 ** 40;
const look = (options: VdiOptions = {}) => inspectFacts(inMemory(buildVdi(options)), 'disk-vdi');

describe('a VDI disk', () => {
  test('is described', async () => {
    expect(await look({ blocks: ['data', 'unallocated', 'data', 'discarded'] })).toEqual({
      contentType: 'disk-vdi',
      facts: { virtualSize: 4 * MiB, imageType: 'dynamic', blockSize: MiB, allocatedSize: 2 * MiB },
    });
  });

  test('may be fixed', async () => {
    const { facts } = await look({ virtualSize: MiB, edit: ({ header }) => header.writeUInt32LE(2, 0x4c) });
    expect(facts).toMatchObject({ imageType: 'fixed', allocatedSize: MiB });
  });

  test('ends with a whole sector', async () => {
    expect((await look({ virtualSize: 1000 })).facts).toMatchObject({ virtualSize: 1024, allocatedSize: 1024 });
  });

  test('may end where its guest does, within the last block', async () => {
    const options = { virtualSize: MiB + 512, blocks: ['data', 'data'] } as VdiOptions;
    await expect(look({ ...options, length: 1024 + MiB + 512 })).resolves.toBeDefined();
    await expect(look({ ...options, length: 1024 + MiB + 511 })).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });

  test.each<[string, VdiOptions, string]>([
    ['that records changes to another', { edit: ({ header }) => header.writeUInt32LE(4, 0x4c) }, 'a differencing disk'],
    ['that can be undone', { edit: ({ header }) => header.writeUInt32LE(3, 0x4c) }, 'an undo disk'],
    ['with a link', { edit: ({ header }) => header.fill(1, 0x1a8, 0x1b8) }, 'a parent disk'],
    ['with a parent', { edit: ({ header }) => void (header[0x1c7] = 1) }, 'a parent disk'],
    ['of 1 PiB', { edit: ({ header }) => header.writeBigUInt64LE(BigInt(1024 * TiB), 0x170) }, 'is the limit here'],
    ['of 2^64 - 1 bytes', { edit: ({ header }) => header.fill(0xff, 0x170, 0x178) }, 'is the limit here'],
  ])('%s is refused', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining(message) });
  });

  test.each<[string, VdiOptions, string]>([
    ['of an old version', { edit: ({ header }) => header.writeUInt32LE(1, 0x44) }, 'version 0.1'],
    ['of an unknown type', { edit: ({ header }) => header.writeUInt32LE(9, 0x4c) }, 'image type 9'],
    ['of no size', { edit: ({ header }) => header.fill(0, 0x170, 0x178) }, 'no size'],
    ['with other sectors', { edit: ({ header }) => header.writeUInt32LE(4096, 0x168) }, 'sectors of 4096'],
    ['with other blocks', { edit: ({ header }) => header.writeUInt32LE(4096, 0x178) }, 'than 1 MiB'],
    ['with more in each block', { edit: ({ header }) => header.writeUInt32LE(512, 0x17c) }, 'than 1 MiB'],
    ['with too few blocks', { edit: ({ header }) => header.writeUInt32LE(3, 0x180) }, 'states 3 blocks'],
    ['with too many blocks', { edit: ({ header }) => header.writeUInt32LE(0xffffffff, 0x180) }, 'states 4294967295 blocks'],
    ['with its map in the header', { edit: ({ header }) => header.writeUInt32LE(0, 0x154) }, 'misplaced'],
    ['with its map between sectors', { edit: ({ header }) => header.writeUInt32LE(513, 0x154) }, 'misplaced'],
    ['with data in its map', { edit: ({ header }) => header.writeUInt32LE(512, 0x158) }, 'overlap'],
    ['with one block in many places', { edit: ({ map }) => map.fill(0, 0, 16) }, 'several times'],
  ])('%s is invalid', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_INVALID', message: expect.stringContaining(message) });
  });

  test.each<[string, VdiOptions]>([
    ['in its header', { length: 100 }],
    ['in its map', { length: 520 }],
    ['before its data', { length: 1024 }],
    ['in its last block', { blocks: ['data', 'data'], length: 1024 + 2 * MiB - 1 }],
    ['before a block far away', { edit: ({ map }) => map.writeUInt32LE(0xfffffffd, 4) }],
  ])('cut %s is truncated', async (_, options) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });
});
