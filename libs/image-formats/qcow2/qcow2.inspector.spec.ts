import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { buildQcow2, inMemory, type Qcow2Options } from '#libs/testing/images';
import { inspect, inspectFacts } from '../inspect.js';
import { DEFAULT_LIMITS } from '../inspection.js';

const CLUSTER = 65536;
const TiB = 2 ** 40;
const look = (options: Qcow2Options = {}) => inspectFacts(inMemory(buildQcow2(options)), 'disk-qcow2');

describe('a qcow2 disk', () => {
  test.each([2, 3] as const)('of version %i is described', async (version) => {
    expect(
      await look({ version, virtualSize: 2 ** 29, clusters: ['data', 'unallocated', 'data', { compressed: 1000 }] }),
    ).toEqual({
      contentType: 'disk-qcow2',
      facts: {
        version,
        virtualSize: 2 ** 29,
        clusterSize: CLUSTER,
        allocatedSize: 3 * CLUSTER,
        compression: 'zlib',
        compressedClusters: 1,
        extendedL2: false,
      },
    });
  });

  test('may end where its guest does, within the last cluster', async () => {
    await expect(look({ virtualSize: 1000, length: 5 * CLUSTER + 1000 })).resolves.toBeDefined();
    await expect(look({ virtualSize: 1000, length: 5 * CLUSTER + 999 })).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });

  test('may end where the data of its last compressed cluster does, which must then be whole', async () => {
    const data = deflateRawSync(Buffer.alloc(CLUSTER, 1)).length;
    const cut = (length: number) => inMemory(buildQcow2({ clusters: [{ compressed: data }], length: 5 * CLUSTER + length }));
    const whole = await inspect(inMemory(buildQcow2({ clusters: [{ compressed: data }] })), 'disk-qcow2');
    expect(await inspect(cut(data), 'disk-qcow2')).toEqual(whole);
    for (const length of [data - 1, 1, 0])
      await expect(inspect(cut(length), 'disk-qcow2')).rejects.toMatchObject({
        code: expect.stringMatching(/^CONTENT_(INVALID|TRUNCATED)$/),
      });
  });

  test('holds data only up to the last allocated subcluster', async () => {
    const edit: Qcow2Options['edit'] = ({ header, l2 }) => {
      header.writeBigUInt64BE(16n, 72);
      l2.writeUInt32BE(0b11, 12);
    };
    expect((await look({ edit, length: 5 * CLUSTER + 4096 })).facts).toMatchObject({ extendedL2: true, allocatedSize: 4096 });
    await expect(look({ edit, length: 5 * CLUSTER + 4095 })).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });

  test.each<[string, Qcow2Options, string]>([
    ['a backing file', { edit: ({ header }) => header.writeBigUInt64BE(512n, 8) }, 'has a backing file'],
    ['an external data file', { edit: ({ header }) => header.writeBigUInt64BE(4n, 72) }, 'in an external file'],
    [
      'an external data file by name only',
      { extensions: [[0x44415441, Buffer.from('/etc/passwd')]] },
      'names an external data file',
    ],
    ['AES encryption', { edit: ({ header }) => header.writeUInt32BE(1, 32) }, 'is encrypted'],
    ['LUKS encryption', { edit: ({ header }) => header.writeUInt32BE(2, 32) }, 'is encrypted'],
    ['an encryption header', { extensions: [[0x0537be77, Buffer.alloc(16)]] }, 'is encrypted'],
    ['internal snapshots', { edit: ({ header }) => header.writeUInt32BE(1, 60) }, 'internal snapshots'],
    ['an unknown feature', { edit: ({ header }) => header.writeBigUInt64BE(32n, 72) }, '0x20'],
    [
      'an unknown feature in the highest bit',
      { edit: ({ header }) => header.writeBigUInt64BE(1n << 63n, 72) },
      '0x8000000000000000',
    ],
    ['a virtual size of 1 PiB', { virtualSize: 1024 * TiB }, 'is the limit here'],
    ['a virtual size of 2^64 - 1', { edit: ({ header }) => header.fill(0xff, 24, 32) }, 'is the limit here'],
  ])('with %s is refused', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining(message) });
  });

  test.each<[string, Qcow2Options, string]>([
    ['version 1', { edit: ({ header }) => header.writeUInt32BE(1, 4) }, 'version 1'],
    ['a virtual size of 0', { virtualSize: 0 }, 'no size'],
    ['version 4', { edit: ({ header }) => header.writeUInt32BE(4, 4) }, 'version 4'],
    ['the corrupt mark', { edit: ({ header }) => header.writeBigUInt64BE(2n, 72) }, 'qemu-img check -r all'],
    ['the dirty mark', { edit: ({ header }) => header.writeBigUInt64BE(1n, 72) }, 'not closed properly'],
    ['clusters of 256 bytes', { edit: ({ header }) => header.writeUInt32BE(8, 20) }, '2^8'],
    ['clusters of 4 GiB', { edit: ({ header }) => header.writeUInt32BE(32, 20) }, '2^32'],
    ['a refcount width of 2^7', { edit: ({ header }) => header.writeUInt32BE(7, 96) }, 'refcount width'],
    ['a header shorter than its fields', { edit: ({ header }) => header.writeUInt32BE(72, 100) }, 'length of its own'],
    ['a header longer than a cluster', { edit: ({ header }) => header.writeUInt32BE(CLUSTER + 8, 100) }, 'length of its own'],
    [
      'an unknown compression',
      { edit: ({ header }) => void (header.writeUInt32BE(112, 100), (header[104] = 2), header.writeBigUInt64BE(8n, 72)) },
      'unknown compression',
    ],
    [
      'a compression without its feature bit',
      { edit: ({ header }) => void (header.writeUInt32BE(112, 100), (header[104] = 1)) },
      'unknown compression',
    ],
    [
      'an extension longer than the first cluster',
      { edit: ({ header }) => header.writeBigUInt64BE(0xaaaaaaaa_ffffffffn, 104) },
      'runs out of the first cluster',
    ],
    ['an L1 table of 1 GiB', { edit: ({ header }) => header.writeUInt32BE(2 ** 27, 36) }, 'more than 32 MiB'],
    ['an L1 table too small for it', { virtualSize: 2 ** 30 }, 'too small for its virtual size'],
    ['a misplaced L1 table', { edit: ({ header }) => header.writeBigUInt64BE(3n * 65536n + 512n, 40) }, 'misplaced'],
    ['no refcount table', { edit: ({ header }) => header.writeUInt32BE(0, 56) }, 'no refcount table'],
    ['a refcount table of 4 GiB', { edit: ({ header }) => header.writeUInt32BE(65536, 56) }, 'more than 8 MiB'],
    ['a misplaced refcount block', { edit: ({ refcountTable }) => refcountTable.writeBigUInt64BE(513n, 0) }, 'misplaced'],
    ['a misplaced L2 table', { edit: ({ l1 }) => l1.writeBigUInt64BE(1024n, 0) }, 'misplaced'],
    ['reserved bits in its L1 table', { edit: ({ l1 }) => l1.writeBigUInt64BE(BigInt(4 * CLUSTER) | 1n, 0) }, 'reserved bits'],
    [
      'reserved bits in its L2 table',
      { edit: ({ l2 }) => l2.writeBigUInt64BE(BigInt(5 * CLUSTER) | (1n << 60n), 0) },
      'reserved bits',
    ],
    ['a misplaced cluster', { edit: ({ l2 }) => l2.writeBigUInt64BE(BigInt(5 * CLUSTER + 512), 0) }, 'misplaced'],
  ])('with %s is invalid', async (_, options, message) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_INVALID', message: expect.stringContaining(message) });
  });

  test('that uses one L2 table over and over is invalid, and does not keep us busy', async () => {
    const entries = 4096;
    const edit: Qcow2Options['edit'] = ({ header, l1 }) => {
      header.writeUInt32BE(entries, 36);
      for (let at = 0; at < entries; at++) l1.writeBigUInt64BE(BigInt(4 * CLUSTER), at * 8);
    };
    await expect(look({ virtualSize: 2 * TiB, edit })).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
      message: expect.stringContaining('several times'),
    });
  });

  test('that uses one cluster over and over is invalid: read as its guest does, it would be without end', async () => {
    const edit: Qcow2Options['edit'] = ({ l2 }) => {
      for (let at = 0; at < 8192; at++) l2.writeBigUInt64BE(BigInt(5 * CLUSTER), at * 8);
    };
    await expect(look({ virtualSize: 2 ** 29, edit })).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
      message: expect.stringContaining('one cluster several times'),
    });
  });

  test('that unpacks to far more than itself is refused as a bomb', async () => {
    const disk = buildQcow2({ clusters: Array.from({ length: 16 }, () => ({ compressed: 512 })) });
    const within = { ...DEFAULT_LIMITS, freeExpansionBytes: 0, maxExpansionRatio: 1 };
    await expect(inspectFacts(inMemory(disk), 'disk-qcow2', within)).resolves.toBeDefined();
    const bomb = buildQcow2({
      edit: ({ l2 }) => {
        for (let at = 0; at < 8192; at++) l2.writeBigUInt64BE((1n << 62n) | BigInt(5 * CLUSTER), at * 8);
      },
    });
    const limits = { ...DEFAULT_LIMITS, freeExpansionBytes: 2 ** 20 };
    await expect(inspectFacts(inMemory(bomb), 'disk-qcow2', limits)).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: expect.stringContaining('bombs'),
    });
  });

  test.each<[string, Qcow2Options]>([
    ['in the header', { length: 60 }],
    ['in the header of version 3', { length: 100 }],
    ['in a header extension', { extensions: [[0x6803f857, Buffer.alloc(200)]], length: 200 }],
    ['before the refcount table', { length: CLUSTER }],
    ['in the refcount block', { length: 3 * CLUSTER - 1 }],
    ['before the L1 table', { length: 3 * CLUSTER }],
    ['in the L2 table', { length: 5 * CLUSTER - 1 }],
    ['in the last cluster', { clusters: ['data', 'data'], length: 7 * CLUSTER - 1 }],
    ['before the last cluster', { clusters: ['data', 'data'], length: 6 * CLUSTER }],
    ['in a compressed cluster', { clusters: ['data', { compressed: 2000 }], length: 6 * CLUSTER + 1536 }],
    ['before a compressed cluster', { clusters: ['data', { compressed: 100 }], length: 6 * CLUSTER }],
    ['before a cluster at the end of all numbers', { edit: ({ l2 }) => l2.writeBigUInt64BE(0x00ffffff_ffff0000n, 0) }],
    ['in its bitmap directory', { extensions: [[0x23852875, Buffer.concat([Buffer.alloc(8), Buffer.alloc(16, 0x7f)])]] }],
  ])('cut %s is truncated', async (_, options) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });
});
