import { describe, expect, test } from '@jest/globals';
import { buildVhd, inMemory, type VhdOptions } from '#libs/testing/images';
import { inspectFacts } from '../inspect.js';

const MiB = 2 ** 20;
const TiB = 2 ** 40;
const BLOCK = 2 * MiB;
const look = (options: VhdOptions = {}) => inspectFacts(inMemory(buildVhd(options)), 'disk-vhd');
/** To footer and copy alike, as one who means harm would. */
const both = (change: (footer: Buffer) => unknown): VhdOptions => ({
  edit: ({ footer, copy }) => [footer, copy].forEach((block) => change(block)),
});

describe('a VHD disk', () => {
  test('is described', async () => {
    expect(await look({ virtualSize: 3 * BLOCK, blocks: ['data', 'unallocated', 'data'] })).toEqual({
      contentType: 'disk-vhd',
      facts: { virtualSize: 3 * BLOCK, imageType: 'dynamic', creator: 'win', blockSize: BLOCK, allocatedSize: 2 * BLOCK },
    });
  });

  test('of the fixed kind is its data and a footer', async () => {
    expect(await look({ kind: 'fixed', virtualSize: MiB + 512 })).toEqual({
      contentType: 'disk-vhd',
      facts: { virtualSize: MiB + 512, imageType: 'fixed', creator: 'win', allocatedSize: MiB + 512 },
    });
  });

  test.each<[string, VhdOptions, string]>([
    ['that needs a parent', both((footer) => footer.writeUInt32BE(4, 60)), 'a differencing disk'],
    ['with the id of a parent', { edit: ({ header }) => void (header[55] = 1) }, 'a parent disk'],
    ['with the place of a parent', { edit: ({ header }) => header.write('W2ru', 576 + 7 * 24) }, 'a parent disk'],
    ['of 1 PiB', both((footer) => footer.writeBigUInt64BE(BigInt(1024 * TiB), 48)), 'is the limit here'],
    ['of 2^64 - 1 bytes', both((footer) => footer.fill(0xff, 48, 56)), 'is the limit here'],
    ['of two sizes', { edit: ({ copy }) => copy.writeBigUInt64BE(512n, 48) }, 'contradict each other'],
    ['of two headers', { edit: ({ copy }) => copy.writeBigUInt64BE(1024n, 16) }, 'contradict each other'],
    ['that says it is fixed, but begins as if it were not', both((footer) => footer.writeUInt32BE(2, 60)), 'contradict'],
    [
      'that says it is dynamic, but begins as if it were not',
      { kind: 'fixed', edit: ({ footer }) => footer.writeUInt32BE(3, 60) },
      'contradict',
    ],
    [
      'whose guest put a footer into the first sector',
      { kind: 'fixed', virtualSize: MiB, content: buildVhd().subarray(0, MiB) },
      'contradict',
    ],
  ])('%s is refused', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining(message) });
  });

  test.each<[string, VhdOptions, string]>([
    ['with a damaged footer', { spoil: ({ footer }) => void (footer[200] = 1) }, 'checksum'],
    ['with a damaged copy of it', { spoil: ({ copy }) => void (copy[200] = 1) }, 'checksum'],
    ['with a damaged header', { spoil: ({ header }) => void (header[900] = 1) }, 'header of the VHD disk is damaged'],
    ['of version 2', both((footer) => footer.writeUInt32BE(0x20000, 12)), 'unknown version'],
    ['of an unknown type', both((footer) => footer.writeUInt32BE(6, 60)), 'disk type 6'],
    ['of no size', both((footer) => footer.fill(0, 48, 56)), 'impossible size'],
    ['of a part of a sector', both((footer) => footer.writeBigUInt64BE(1000n, 48)), 'impossible size'],
    ['with its header in the footer', both((footer) => footer.fill(0, 16, 24)), 'misplaced'],
    ['with another header', { edit: ({ header }) => header.write('other', 0) }, 'header of the VHD disk is damaged'],
    ['of blocks of no size', { edit: ({ header }) => header.writeUInt32BE(0, 32) }, 'blocks of 0 bytes'],
    ['of blocks of 2 GiB', { edit: ({ header }) => header.writeUInt32BE(2 ** 31, 32) }, 'power of two'],
    ['of odd blocks', { edit: ({ header }) => header.writeUInt32BE(BLOCK + 512, 32) }, 'power of two'],
    ['with too few blocks', { edit: ({ header }) => header.writeUInt32BE(1, 28) }, 'too small for its size'],
    ['with its table in the footer', { edit: ({ header }) => header.fill(0, 16, 24) }, 'misplaced'],
    [
      'with one block in many places',
      { virtualSize: 4 * BLOCK, edit: ({ table }) => [1, 2, 3].forEach((at) => table.writeUInt32BE(4, at * 4)) },
      'several times',
    ],
  ])('%s is invalid', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_INVALID', message: expect.stringContaining(message) });
  });

  test.each<[string, VhdOptions]>([
    ['in its footer', { length: 2048 + 512 + BLOCK + 100 }],
    ['before its footer', { length: 2048 + 512 + BLOCK }],
    ['in a block', { length: 2048 + MiB }],
    ['in the copy of its footer', { length: 100 }],
    ['before its header', both((footer) => footer.writeBigUInt64BE(BigInt(TiB), 16))],
    ['before its table', { edit: ({ header }) => header.writeBigUInt64BE(BigInt(TiB), 16) }],
    ['before a block far away', { edit: ({ table }) => table.writeUInt32BE(0xfffffffe, 4) }],
  ])('cut %s is truncated', async (_, options) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });

  test('of the fixed kind is truncated where it lacks data before its footer', async () => {
    await expect(look({ kind: 'fixed', virtualSize: MiB, content: Buffer.alloc(MiB - 512) })).rejects.toMatchObject({
      code: 'CONTENT_TRUNCATED',
    });
  });
});
