import { describe, expect, test } from '@jest/globals';
import { buildVhdx, inMemory, VHDX_IDS, type VhdxOptions, type VhdxParts } from '#libs/testing/images';
import { inspectFacts } from '../inspect.js';

const KiB = 1024;
const MiB = 2 ** 20;
const TiB = 2 ** 40;
const DATA = 4 * MiB;
const look = (options: VhdxOptions = {}) => inspectFacts(inMemory(buildVhdx(options)), 'disk-vhdx');

/** Where the table of metadata, and the metadata itself, have this entry. */
const entryOf = (index: number) => 32 + index * 32;
const itemOf = (index: number) => 64 * KiB + index * 16;
const PARAMETERS = 0;
const SIZE = 1;
const SECTOR = 2;
const addingItem = (id: Buffer, flags: number) => ({
  edit: ({ metadata }: VhdxParts) => {
    metadata.writeUInt16LE(6, 10);
    id.copy(metadata, entryOf(5));
    metadata.writeUInt32LE(itemOf(5), entryOf(5) + 16);
    metadata.writeUInt32LE(flags, entryOf(5) + 24);
  },
});
const addingRegion = (id: Buffer, required: number) => ({
  edit: ({ regions }: VhdxParts) => {
    regions.writeUInt32LE(3, 8);
    const at = 16 + 2 * 32;
    id.copy(regions, at);
    regions.writeBigUInt64LE(BigInt(2 * MiB), at + 16);
    regions.writeUInt32LE(MiB, at + 24);
    regions.writeUInt32LE(required, at + 28);
  },
});

describe('a VHDX disk', () => {
  test('is described', async () => {
    expect(await look({ blocks: ['data', 'unallocated', 'data', 'zero'] })).toEqual({
      contentType: 'disk-vhdx',
      facts: {
        virtualSize: 4 * MiB,
        imageType: 'dynamic',
        blockSize: MiB,
        logicalSectorSize: 512,
        allocatedSize: 2 * MiB,
      },
    });
  });

  test('may be of large sectors, and fixed', async () => {
    const { facts } = await look({
      edit: ({ metadata }) => {
        metadata.writeUInt32LE(1, itemOf(PARAMETERS) + 4);
        metadata.writeUInt32LE(4096, itemOf(SECTOR));
      },
    });
    expect(facts).toMatchObject({ imageType: 'fixed', logicalSectorSize: 4096 });
  });

  test('is read by the whole one of its headers, or the later', async () => {
    const open = (header: Buffer) => header.fill(1, 48, 64);
    await expect(look({ edit: ({ headers }) => open(headers[0]) })).resolves.toBeDefined();
    await expect(look({ spoil: ({ headers }) => void (headers[0][100] = 1) })).resolves.toBeDefined();
    await expect(look({ spoil: ({ headers }) => void (headers[1][100] = 1) })).resolves.toBeDefined();
    await expect(
      look({ edit: ({ headers }) => open(headers[0]), spoil: ({ headers }) => void (headers[1][100] = 1) }),
    ).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  test('finds its blocks behind the places in the table that are for no block', async () => {
    const edit: VhdxOptions['edit'] = ({ blockTable }) => {
      blockTable.writeBigUInt64LE(BigInt(TiB) | 6n, 4096 * 8);
      blockTable.writeBigUInt64LE(BigInt(DATA) | 6n, 4097 * 8);
      blockTable.writeBigUInt64LE(0n, 0);
    };
    const { facts } = await look({ virtualSize: 4097 * MiB, edit });
    expect(facts).toMatchObject({ allocatedSize: MiB });
  });

  test('may hold further metadata and regions that nobody needs to know', async () => {
    await expect(look(addingItem(Buffer.alloc(16, 1), 1))).resolves.toBeDefined();
    await expect(look(addingRegion(Buffer.alloc(16, 1), 0))).resolves.toBeDefined();
  });

  test.each<[string, VhdxOptions, string]>([
    ['with a parent', { edit: ({ metadata }) => metadata.writeUInt32LE(2, itemOf(PARAMETERS) + 4) }, 'a differencing disk'],
    ['that says where its parent is', addingItem(VHDX_IDS.parentLocator, 4), 'a differencing disk'],
    ['with unknown metadata that it needs', addingItem(Buffer.alloc(16, 1), 4), 'metadata that are not known'],
    ['with an unknown region that it needs', addingRegion(Buffer.alloc(16, 1), 1), 'a region that is not known'],
    ['of 1 PiB', { edit: ({ metadata }) => metadata.writeBigUInt64LE(BigInt(1024 * TiB), itemOf(SIZE)) }, 'is the limit here'],
    ['of 2^64 - 1 bytes', { edit: ({ metadata }) => metadata.fill(0xff, itemOf(SIZE), itemOf(SIZE) + 8) }, 'is the limit here'],
  ])('%s is refused', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining(message) });
  });

  test.each<[string, VhdxOptions, string]>([
    ['with something in its log', { edit: ({ headers }) => headers[1].fill(1, 48, 64) }, 'not closed properly'],
    ['with two damaged headers', { spoil: ({ headers }) => headers.forEach((header) => header.fill(1, 100, 101)) }, 'damaged'],
    [
      'with two headers of one time',
      { edit: ({ headers: [first] }) => void (first.writeBigUInt64LE(2n, 8), first.fill(1, 48, 64)) },
      'contradict each other',
    ],
    ['of version 2', { edit: ({ headers }) => headers[1].writeUInt16LE(2, 66) }, 'version 2'],
    ['with a damaged region table', { spoil: ({ regions }) => void (regions[60_000] = 1) }, 'region table'],
    ['with too many regions', { edit: ({ regions }) => regions.writeUInt32LE(2048, 8) }, 'too many regions'],
    ['without a block table', { edit: ({ regions }) => regions.writeUInt32LE(0, 8) }, 'no block table'],
    ['with two block tables', addingRegion(VHDX_IDS.blockTable, 1), 'a region twice'],
    ['with a region in the headers', { edit: ({ regions }) => regions.writeBigUInt64LE(0n, 32) }, 'misplaced'],
    ['with a crooked region', { edit: ({ regions }) => regions.writeBigUInt64LE(1536n * 1024n, 32) }, 'misplaced'],
    ['with damaged metadata', { edit: ({ metadata }) => metadata.write('x', 0) }, 'damaged'],
    ['with too many metadata', { edit: ({ metadata }) => metadata.writeUInt16LE(0xffff, 10) }, 'damaged'],
    ['without its size', { edit: ({ metadata }) => metadata.fill(0, entryOf(SIZE), entryOf(SIZE) + 32) }, 'lack its sizes'],
    ['with two sizes', addingItem(VHDX_IDS.virtualSize, 6), 'twice'],
    [
      'with metadata beyond their region',
      { edit: ({ metadata }) => metadata.writeUInt32LE(MiB, entryOf(SIZE) + 16) },
      'misplaced',
    ],
    ['of no size', { edit: ({ metadata }) => metadata.fill(0, itemOf(SIZE), itemOf(SIZE) + 8) }, 'impossible size'],
    ['of a part of a sector', { edit: ({ metadata }) => metadata.writeUInt32LE(1000, itemOf(SIZE)) }, 'impossible size'],
    ['of sectors of 1 byte', { edit: ({ metadata }) => metadata.writeUInt32LE(1, itemOf(SECTOR)) }, 'sectors of 1 bytes'],
    ['of blocks of 512 bytes', { edit: ({ metadata }) => metadata.writeUInt32LE(512, itemOf(PARAMETERS)) }, 'blocks of 512'],
    ['of blocks of 1 GiB', { edit: ({ metadata }) => metadata.writeUInt32LE(2 ** 30, itemOf(PARAMETERS)) }, 'power of two'],
    [
      'with too small a block table',
      { edit: ({ metadata }) => metadata.writeBigUInt64LE(BigInt(TiB), itemOf(SIZE)) },
      'too small for its size',
    ],
    ['with a block of which a part is elsewhere', { edit: ({ blockTable }) => (blockTable[0] = 7) }, 'only a differencing disk'],
    ['with a block in no known state', { edit: ({ blockTable }) => (blockTable[0] = 4) }, '(4)'],
    ['with a block at its start', { edit: ({ blockTable }) => blockTable.writeBigUInt64LE(6n, 0) }, 'misplaced'],
    [
      'with one block in many places',
      {
        virtualSize: 64 * MiB,
        edit: ({ blockTable }) => {
          for (let at = 0; at < 64; at++) blockTable.writeBigUInt64LE(BigInt(DATA) | 6n, at * 8);
        },
      },
      'several times',
    ],
  ])('%s is invalid', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_INVALID', message: expect.stringContaining(message) });
  });

  test.each<[string, VhdxOptions]>([
    ['in its first header', { length: 65 * KiB }],
    ['before its second header', { length: 100 * KiB }],
    ['in its region table', { length: 200 * KiB }],
    ['in its metadata', { length: 3 * MiB + 100 }],
    ['before its data', { length: DATA }],
    ['in its last block', { length: DATA + MiB - 1 }],
    ['before a block far away', { edit: ({ blockTable }) => blockTable.writeBigUInt64LE(0xffff_ffff_fff0_0006n, 0) }],
  ])('cut %s is truncated', async (_, options) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });
});
