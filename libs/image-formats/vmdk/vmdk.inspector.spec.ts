import { describe, expect, test } from '@jest/globals';
import { buildVmdk, hiddenParent, inMemory, vmdkDescriptor, type VmdkOptions } from '#libs/testing/images';
import { inspectFacts } from '../inspect.js';
import { DEFAULT_LIMITS } from '../inspection.js';

const GRAIN = 65536;
const KINDS = ['monolithicSparse', 'streamOptimized'] as const;
const look = (content: VmdkOptions | Buffer | string) =>
  inspectFacts(inMemory(typeof content === 'string' || Buffer.isBuffer(content) ? content : buildVmdk(content)), 'disk-vmdk');
const descriptor = (options: Parameters<typeof vmdkDescriptor>[0]) => ({ descriptor: vmdkDescriptor(options) });

/** The header states one sector of descriptor, the last line of it is in the next. */
const ofOneSector = (more: string) =>
  buildVmdk({
    descriptor: `${vmdkDescriptor().padEnd(511, '#')}\n${more}`,
    edit: ({ header }) => header.writeBigUInt64LE(1n, 36),
  });

describe('a VMDK disk', () => {
  test.each(KINDS)('of the type %s is described', async (kind) => {
    const stream = kind === 'streamOptimized';
    expect(await look({ kind })).toEqual({
      contentType: 'disk-vmdk',
      facts: {
        version: stream ? 3 : 1,
        virtualSize: 2 ** 20,
        createType: kind,
        adapterType: 'lsilogic',
        grainSize: GRAIN,
        allocatedSize: 2 * GRAIN,
        compressed: stream,
        uncleanShutdown: false,
      },
    });
  });

  test.each(KINDS)('of the type %s is truncated wherever its end is cut', async (kind) => {
    const whole = buildVmdk({ kind });
    for (const cut of [1, 511, 512, 513, 1024, 1536, 5000, GRAIN, whole.length - 512, whole.length - 100]) {
      await expect(look(whole.subarray(0, whole.length - cut))).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
    }
  });

  test('that uses one grain over and over is invalid: read as its guest does, it would be without end', async () => {
    const edit: VmdkOptions['edit'] = ({ table }) => {
      for (let at = 0; at < 512; at++) table.writeUInt32LE(128, at * 4);
    };
    await expect(look({ capacity: 65536, edit })).rejects.toMatchObject({
      code: 'CONTENT_INVALID',
      message: expect.stringContaining('one grain several times'),
    });
    const bomb = buildVmdk({ kind: 'streamOptimized', capacity: 65536, edit });
    const limits = { ...DEFAULT_LIMITS, freeExpansionBytes: 2 ** 20 };
    await expect(inspectFacts(inMemory(bomb), 'disk-vmdk', limits)).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: expect.stringContaining('bombs'),
    });
  });

  test('has its grain tables read together where they lie together', async () => {
    const tables = 20;
    const edit: VmdkOptions['edit'] = ({ directory }) => {
      for (let at = 0; at < tables; at++) directory.writeUInt32LE(22 + (at < 10 ? at : at + 1) * 4, at * 4);
    };
    const disk = inMemory(buildVmdk({ capacity: tables * 65536, edit }));
    const lengths: number[] = [];
    const counted = {
      ...disk,
      read: (position: number, length: number) => {
        if (position >= 22 * 512 && length >= 2048) lengths.push(length);
        return disk.read(position, length);
      },
    };
    expect((await inspectFacts(counted, 'disk-vmdk')).facts).toMatchObject({ allocatedSize: 2 * GRAIN });
    expect(lengths).toEqual([10 * 2048, 10 * 2048]);
  });

  test('may end where its guest does, within the last grain', async () => {
    const options = { capacity: 130, grains: 2 };
    const whole = buildVmdk(options).length;
    await expect(look({ ...options, length: whole - GRAIN + 1024 })).resolves.toBeDefined();
    await expect(look({ ...options, length: whole - GRAIN + 1023 })).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });

  test.each<[string, VmdkOptions | Buffer | string, string]>([
    [
      'as a text descriptor',
      vmdkDescriptor({ createType: 'monolithicFlat', extent: 'RW 2048 FLAT "/etc/passwd" 0' }),
      'only a text descriptor',
    ],
    ['with a flat extent', descriptor({ extent: 'RW 2048 FLAT "/etc/passwd" 0' }), 'not understood'],
    ['with a flat extent in disguise', descriptor({ extent: 'RW 2048 FLAT "passwd"' }), '"FLAT"'],
    ['with a foreign extent', descriptor({ extent: 'RW 2048 SPARSE "/var/lib/other.vmdk"' }), 'in another place'],
    ['with an extent at a URL', descriptor({ extent: 'RW 2048 SPARSE "nbd:10.0.0.1"' }), 'in another place'],
    [
      'with an extent in another folder of Windows',
      descriptor({ extent: 'RW 2048 SPARSE "..\\other.vmdk"' }),
      'in another place',
    ],
    ['with no extent', descriptor({ extent: '' }), 'names 0 extents'],
    ['with two extents', descriptor({ extent: 'RW 2048 SPARSE "disk.vmdk"\nRW 2048 SPARSE "other.vmdk"' }), 'names 2 extents'],
    [
      'with an extent behind a carriage return',
      descriptor({ extent: 'RW 2048 SPARSE "disk.vmdk"\rRW 1 FLAT "x" 0' }),
      'names 2 extents',
    ],
    ['with a parent', descriptor({ parentCID: 'deadbeef' }), 'parent'],
    ['with the name of a parent', descriptor({ more: 'parentFileNameHint="/etc/passwd"' }), 'parent'],
    ['with the name of a parent in a comment', descriptor({ more: '#parentFileNameHint="/etc/passwd"' }), 'parent'],
    ['with the name of a parent behind its stated end', hiddenParent('beyond its size'), 'parent'],
    ['with the name of a parent behind zeros', hiddenParent('behind zeros'), 'parent'],
    ['with its descriptor elsewhere, and another where tools look', hiddenParent('before it'), 'at sector 40'],
    [
      'with another extent behind the stated end of its descriptor',
      ofOneSector('RW 2048 SPARSE "other.vmdk"'),
      'names 2 extents',
    ],
    ['with a parent behind the stated end of its descriptor', ofOneSector('parentCID=deadbeef'), 'states parentCID twice'],
    ['with two types', descriptor({ more: 'createType="monolithicFlat"' }), 'states createType twice'],
    ['with a file for change tracking', descriptor({ more: 'changeTrackPath="/etc/passwd"' }), 'change tracking'],
    ...['monolithicFlat', 'vmfs', 'twoGbMaxExtentSparse', 'fullDevice', 'custom', ''].map(
      (createType): [string, VmdkOptions, string] => [`of the type "${createType}"`, descriptor({ createType }), 'of the type'],
    ),
    ['with no capacity', { edit: ({ header }) => header.writeBigUInt64LE(0n, 12) }, 'no capacity'],
    ['with a capacity of 1 PiB', { edit: ({ header }) => header.writeBigUInt64LE(2n ** 41n, 12) }, 'is the limit here'],
    [
      'with another capacity in its footer',
      { kind: 'streamOptimized', edit: ({ footer }) => footer.writeBigUInt64LE(4096n, 12) },
      'contradict',
    ],
    [
      'with another descriptor in its footer',
      { kind: 'streamOptimized', edit: ({ footer }) => footer.writeBigUInt64LE(2n, 28) },
      'contradict',
    ],
  ])('%s is refused', async (_, content, message) => {
    await expect(look(content)).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining(message) });
  });

  test.each<[string, VmdkOptions | string, string]>([
    ['of the ESX server kind', `COWD${'\0'.repeat(600)}`, 'COWD'],
    ['of version 4', { edit: ({ header }) => header.writeUInt32LE(4, 4) }, 'version 4'],
    ['transferred as text', { edit: ({ header }) => header.write('\n \n\n', 73) }, 'line ends'],
    ['with an unknown compression', { edit: ({ header }) => header.writeUInt16LE(2, 77) }, 'unknown compression'],
    ['with compression that its flags deny', { edit: ({ header }) => header.writeUInt16LE(1, 77) }, 'unknown compression'],
    ['with grains of 3 sectors', { edit: ({ header }) => header.writeBigUInt64LE(3n, 20) }, 'grains of 3'],
    ['with grains of 2^63 sectors', { edit: ({ header }) => header.writeBigUInt64LE(2n ** 63n, 20) }, 'power of two'],
    ['with grain tables of 2^31 entries', { edit: ({ header }) => header.writeUInt32LE(2 ** 31, 44) }, 'grain tables'],
    ['with no descriptor', { edit: ({ header }) => header.writeBigUInt64LE(0n, 28) }, 'no descriptor'],
    ['with a descriptor of 1 GiB', { edit: ({ header }) => header.writeBigUInt64LE(2n ** 21n, 36) }, 'a descriptor of more than'],
    ['with a damaged descriptor', { descriptor: 'createType="monolithicSparse"' }, 'damaged'],
    ['with another size in its descriptor', descriptor({ extent: 'RW 9999 SPARSE "disk.vmdk"' }), 'different sizes'],
    ['with no grain directory', { edit: ({ header }) => header.writeBigUInt64LE(0n, 56) }, 'no grain directory'],
    [
      'whose footer refers to a footer',
      { kind: 'streamOptimized', edit: ({ footer }) => footer.fill(0xff, 56, 64) },
      'where its grain directory is',
    ],
  ])('%s is invalid', async (_, content, message) => {
    await expect(look(content)).rejects.toMatchObject({ code: 'CONTENT_INVALID', message: expect.stringContaining(message) });
  });

  test.each<[string, VmdkOptions]>([
    ['a grain directory beyond its end', { edit: ({ header }) => header.writeBigUInt64LE(2n ** 40n, 56) }],
    ['a grain table beyond its end', { edit: ({ directory }) => directory.writeUInt32LE(0xffffffff, 0) }],
    ['a grain beyond its end', { edit: ({ table }) => table.writeUInt32LE(0xffffffff, 8) }],
    [
      'a redundant directory beyond its end',
      { edit: ({ header }) => void (header.writeUInt32LE(3, 8), header.writeBigUInt64LE(2n ** 40n, 48)) },
    ],
    ['a descriptor beyond its end', { grains: 0, edit: ({ header }) => header.writeBigUInt64LE(128n, 36) }],
  ])('with %s is truncated', async (_, options) => {
    await expect(look(options)).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });

  test('may have grains right behind a descriptor of one sector', async () => {
    const disk = ofOneSector('');
    disk.fill(0xff, 1025, 1536);
    await expect(look(disk)).resolves.toBeDefined();
  });

  test('sent as a raw disk stays a raw disk', async () => {
    const text = vmdkDescriptor({ extent: 'RW 2048 FLAT "/etc/passwd" 0' });
    expect(await inspectFacts(inMemory(text), 'disk-raw')).toMatchObject({
      contentType: 'disk-raw',
      facts: { virtualSize: text.length },
    });
  });
});
