import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describeWith, tempDir, tool, until, type TempDir } from '#libs/testing';
import { buildQcow2, buildVdi, buildVhd, buildVhdx, buildVmdk, hiddenParent, inMemory } from '#libs/testing/images';
import { inspect } from '../index.js';

const run = promisify(execFile);
const LUKS = 'encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=500';
/** To set up a LUKS key takes seconds of computing. */
const PATIENCE_MS = 60_000;
const SIZE = 20 * 2 ** 20;

await describeWith([tool('qemu-img')], 'what qemu-img makes', () => {
  let dir: TempDir;
  const file = (name: string) => `${dir.path}/${name}`;
  const convert = (name: string, ...options: string[]) =>
    run('qemu-img', ['convert', '-f', 'raw', ...options, file('source.raw'), file(name)]);
  const create = (name: string, ...options: string[]) => run('qemu-img', ['create', '-q', ...options, file(name)]);
  const look = async (name: string, type: 'disk-qcow2' | 'disk-vmdk' | undefined = undefined) =>
    inspect(inMemory(await readFile(file(name))), type);

  /** False where qemu-img could not time how fast keys are computed, because the kernel charged that time to others: then another try is due. */
  const created = (options: string[]) =>
    run('qemu-img', ['create', '-q', ...options], { cwd: dir.path }).then(
      () => true,
      (error: { stderr: string }) => {
        if (error.stderr.includes('Unable to get accurate CPU usage')) return false;
        throw error;
      },
    );

  beforeAll(async () => {
    dir = await tempDir();
    await writeFile(file('source.raw'), randomFillSync(Buffer.alloc(3_000_320)));
    await writeFile(file('odd.raw'), await readFile(file('source.raw')));
    await truncate(file('source.raw'), SIZE);
  });
  afterAll(() => dir.remove());

  test('as qcow2 is accepted that ends within the last sector of a compressed cluster, and refused where that is cut', async () => {
    await create('short.qcow2', '-f', 'qcow2', '-o', 'size=20M');
    await run('qemu-io', ['-f', 'qcow2', '-c', 'write -c -P 5 1M 64k', file('short.qcow2')]);
    const whole = await readFile(file('short.qcow2'));
    expect(whole.length % 512).not.toBe(0);
    await run('qemu-img', ['convert', '-O', 'raw', file('short.qcow2'), file('short.raw')]);
    const { contentDigest } = await inspect(inMemory(await readFile(file('short.raw'))), 'disk-raw');
    expect(await look('short.qcow2')).toMatchObject({ contentDigest, facts: { compressedClusters: 1 } });
    await expect(inspect(inMemory(whole.subarray(0, -1)), 'disk-qcow2')).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  test.each<[string, string[], Record<string, unknown>]>([
    ['plain', [], { version: 3, compression: 'zlib' }],
    ['compat=0.10', ['-o', 'compat=0.10'], { version: 2 }],
    ['compressed', ['-c'], { compression: 'zlib' }],
    ['compressed by zstd', ['-c', '-o', 'compression_type=zstd'], { compression: 'zstd' }],
    ['extended L2', ['-o', 'extended_l2=on,cluster_size=128k'], { extendedL2: true, clusterSize: 131072 }],
    ['tiny clusters', ['-o', 'cluster_size=512'], { clusterSize: 512 }],
    ['huge clusters', ['-o', 'cluster_size=2M'], { clusterSize: 2 ** 21 }],
    ['metadata set aside', ['-o', 'preallocation=metadata'], { allocatedSize: SIZE }],
    ['all set aside', ['-o', 'preallocation=full'], { allocatedSize: SIZE }],
    ['wide refcounts', ['-o', 'refcount_bits=64'], {}],
  ])('as qcow2 is accepted, and refused when cut: %s', async (_, options, facts) => {
    await convert('disk.qcow2', '-O', 'qcow2', ...options);
    expect(await look('disk.qcow2')).toMatchObject({ contentType: 'disk-qcow2', facts: { virtualSize: SIZE, ...facts } });
    const whole = await readFile(file('disk.qcow2'));
    for (const length of [100, 0.1, 0.5, 0.9].map((part) => (part < 1 ? Math.floor(whole.length * part) : part))) {
      await expect(inspect(inMemory(whole.subarray(0, length)), 'disk-qcow2')).rejects.toMatchObject({
        code: 'CONTENT_TRUNCATED',
      });
    }
  });

  test.each(['monolithicSparse', 'streamOptimized'])('as VMDK %s is accepted, and refused when cut', async (subformat) => {
    await convert('disk.vmdk', '-O', 'vmdk', '-o', `subformat=${subformat}`);
    expect(await look('disk.vmdk')).toMatchObject({
      contentType: 'disk-vmdk',
      facts: { virtualSize: SIZE, createType: subformat },
    });
    const whole = await readFile(file('disk.vmdk'));
    for (const length of [100, whole.length * 0.1, whole.length * 0.5, whole.length - 513]) {
      await expect(inspect(inMemory(whole.subarray(0, length)), 'disk-vmdk')).rejects.toMatchObject({
        code: 'CONTENT_TRUNCATED',
      });
    }
  });

  test.each(['qcow2', 'vmdk'])('of a size that ends within a cluster is accepted as %s', async (format) => {
    await run('qemu-img', ['convert', '-f', 'raw', '-O', format, file('odd.raw'), file('odd.disk')]);
    expect(await look('odd.disk')).toMatchObject({ facts: { virtualSize: 3_000_320 } });
  });

  test.each<[string, 'disk-qcow2' | 'disk-vmdk', string[], string]>([
    ['a backing file', 'disk-qcow2', ['-f', 'qcow2', '-F', 'raw', '-b', 'source.raw', 'hostile'], 'backing file'],
    ['an external data file', 'disk-qcow2', ['-f', 'qcow2', '-o', 'data_file=data.raw', 'hostile', '1M'], 'external'],
    ['LUKS', 'disk-qcow2', ['--object', 'secret,id=s,data=x', '-f', 'qcow2', '-o', LUKS, 'hostile', '1M'], 'encrypted'],
    ['a flat extent', 'disk-vmdk', ['-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'hostile', '1M'], 'text descriptor'],
    ['split extents', 'disk-vmdk', ['-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', 'hostile', '1M'], 'text descriptor'],
  ])(
    'with %s is refused',
    async (_, type, options, message) => {
      await until(() => created(options), { what: 'qemu-img has timed the machine', timeout: PATIENCE_MS / 2 });
      await expect(look('hostile', type)).rejects.toMatchObject({
        code: 'CONTENT_REFUSED',
        message: expect.stringContaining(message),
      });
    },
    PATIENCE_MS,
  );

  test('with a snapshot, or a parent, is refused', async () => {
    await convert('snapshot.qcow2', '-O', 'qcow2');
    await run('qemu-img', ['snapshot', '-c', 'one', file('snapshot.qcow2')]);
    await expect(look('snapshot.qcow2')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    await convert('parent.vmdk', '-O', 'vmdk');
    await create('child.vmdk', '-f', 'vmdk', '-F', 'vmdk', '-b', file('parent.vmdk'));
    await expect(look('child.vmdk')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test.each(['beyond its size', 'before it'] as const)(
    'or would open the parent of, hidden from the descriptor %s, is refused',
    async (place) => {
      await convert('parent.vmdk', '-O', 'vmdk');
      await writeFile(file('child.vmdk'), hiddenParent(place, file('parent.vmdk')));
      const { stdout } = await run('qemu-img', ['info', '-f', 'vmdk', file('child.vmdk')]);
      expect(stdout).toContain(`backing file: ${file('parent.vmdk')}`);
      await expect(look('child.vmdk')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    },
  );

  test('of qcow2 without its backing file, but with the format of one, has no parent', async () => {
    await writeFile(file('built.qcow2'), buildQcow2({ extensions: [[0xe2792aca, Buffer.from('raw')]] }));
    const { stdout } = await run('qemu-img', ['info', '-f', 'qcow2', file('built.qcow2')]);
    expect(stdout).not.toContain('backing file:');
    await expect(look('built.qcow2')).resolves.toBeDefined();
  });

  test('with a bitmap is accepted', async () => {
    await convert('bitmap.qcow2', '-O', 'qcow2');
    await run('qemu-img', ['bitmap', '--add', file('bitmap.qcow2'), 'one']);
    await expect(look('bitmap.qcow2')).resolves.toBeDefined();
  });

  test('is like what our own builders make for other tests', async () => {
    const cases: [string, Buffer, number][] = [
      ['qcow2', buildQcow2({ clusters: ['data', 'zero', 'unallocated', 'data'] }), 65536],
      ['vmdk', buildVmdk(), 65536],
      ['vmdk', buildVmdk({ kind: 'streamOptimized' }), 65536],
      ['vdi', buildVdi({ virtualSize: 2 ** 20 }), 2 ** 20],
      ['vpc', buildVhd({ virtualSize: 2 ** 20 }), 2 ** 20],
      ['vpc', buildVhd({ kind: 'fixed', virtualSize: 2 ** 20, content: Buffer.alloc(2 ** 20, 1) }), 2 ** 20],
      ['vhdx', buildVhdx({ virtualSize: 2 ** 20 }), 2 ** 20],
    ];
    for (const [format, disk, grain] of cases) {
      await writeFile(file('built'), disk);
      if (format !== 'vpc') await run('qemu-img', ['check', '-f', format, file('built')]);
      await run('qemu-img', ['convert', '-f', format, '-O', 'raw', file('built'), file('built.raw')]);
      const raw = await readFile(file('built.raw'));
      expect(raw.length).toBe(2 ** 20);
      expect(raw.subarray(0, grain).equals(Buffer.alloc(grain, 1))).toBe(true);
    }
  });
});
