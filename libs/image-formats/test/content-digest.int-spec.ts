import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { open, readFile, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type ContentType } from '#libs/contracts';
import { describeWith, tempDir, tool, type TempDir } from '#libs/testing';
import { inMemory } from '#libs/testing/images';
import { contentDigest, openGuestDisk } from '../index.js';

const run = promisify(execFile);
const MiB = 2 ** 20;

/** As the definition says it, and nothing of ours: of a raw disk's bytes. */
function digestOf(disk: Buffer): string {
  const whole = Buffer.concat([disk, Buffer.alloc((512 - (disk.length % 512)) % 512)]);
  const list = createHash('sha256');
  for (let at = 0; at < whole.length; at += 4 * MiB)
    list.update(
      createHash('sha256')
        .update(whole.subarray(at, at + 4 * MiB))
        .digest(),
    );
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(whole.length));
  return `disk-sha256-4m:${list.update(size).digest('hex')}`;
}

const QCOW2: [string, string, ContentType, string[]][] = [
  ['plain', 'qcow2', 'disk-qcow2', []],
  ['version 2', 'qcow2', 'disk-qcow2', ['-o', 'compat=0.10']],
  ['compressed', 'qcow2', 'disk-qcow2', ['-c']],
  ['compressed by zstd', 'qcow2', 'disk-qcow2', ['-c', '-o', 'compression_type=zstd']],
  ['compressed, in tiny clusters', 'qcow2', 'disk-qcow2', ['-c', '-o', 'cluster_size=512']],
  ['compressed by zstd, in huge clusters', 'qcow2', 'disk-qcow2', ['-c', '-o', 'compression_type=zstd,cluster_size=2M']],
  ['with subclusters', 'qcow2', 'disk-qcow2', ['-o', 'extended_l2=on']],
  ['with small subclusters', 'qcow2', 'disk-qcow2', ['-o', 'extended_l2=on,cluster_size=16k']],
  ['with subclusters, compressed', 'qcow2', 'disk-qcow2', ['-c', '-o', 'extended_l2=on,cluster_size=128k']],
  ['set aside', 'qcow2', 'disk-qcow2', ['-o', 'preallocation=metadata']],
  ...['512', '4k', '1M', '2M'].map((size): [string, string, ContentType, string[]] => [
    `in clusters of ${size}`,
    'qcow2',
    'disk-qcow2',
    ['-o', `cluster_size=${size}`],
  ]),
];
const OTHERS: [string, string, ContentType, string[]][] = [
  ...['monolithicSparse', 'streamOptimized'].map((subformat): [string, string, ContentType, string[]] => [
    subformat,
    'vmdk',
    'disk-vmdk',
    ['-o', `subformat=${subformat}`],
  ]),
  ['zeroed grains', 'vmdk', 'disk-vmdk', ['-o', 'zeroed_grain=on', '-S', '0']],
  ['dynamic', 'vdi', 'disk-vdi', []],
  ['fixed', 'vdi', 'disk-vdi', ['-o', 'static=on']],
  // Without this, qemu makes the disk as large as the next geometry.
  ['dynamic', 'vpc', 'disk-vhd', ['-o', 'force_size=on']],
  ['fixed', 'vpc', 'disk-vhd', ['-o', 'force_size=on,subformat=fixed']],
  ['dynamic', 'vhdx', 'disk-vhdx', []],
  ['dynamic, in small blocks', 'vhdx', 'disk-vhdx', ['-o', 'block_size=1M']],
  ['fixed', 'vhdx', 'disk-vhdx', ['-o', 'subformat=fixed']],
];

await describeWith([tool('qemu-img'), tool('qemu-io')], 'the content digest of one disk', () => {
  let dir: TempDir;
  const file = (name: string) => `${dir.path}/${name}`;
  const digest = async (name: string, type: ContentType) =>
    contentDigest(await openGuestDisk(inMemory(await readFile(file(name))), type));

  /** Of whole blocks; with a part of one at the end; and smaller than one, not a multiple of any cluster. */
  const SIZES = [40 * MiB, 21 * MiB, 3_000_320];

  beforeAll(async () => {
    dir = await tempDir();
    for (const size of SIZES) {
      await writeFile(file(`${size}.raw`), '');
      await truncate(file(`${size}.raw`), size);
      await using disk = await open(file(`${size}.raw`), 'r+');
      await disk.write(randomFillSync(Buffer.alloc(1_234_567)), 0, undefined, 1000);
      await disk.write(Buffer.alloc(300_000, 'what compresses well '), 0, undefined, size - 300_000);
      if (size > 20 * MiB) await disk.write(randomFillSync(Buffer.alloc(20_000)), 0, undefined, 10 * MiB - 10_000);
    }
  });
  afterAll(() => dir.remove());

  test.each([...QCOW2, ...OTHERS])('is the same in every format: %s %s', async (_, format, type, options) => {
    for (const size of SIZES) {
      await run('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, file(`${size}.raw`), file('disk')]);
      expect(await digest('disk', type)).toBe(digestOf(await readFile(file(`${size}.raw`))));
    }
  });

  test('is the same after writes in all places, by qemu', async () => {
    for (const options of ['extended_l2=on,cluster_size=64k', 'cluster_size=64k']) {
      await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', options, file('written'), '64M']);
      const writes = Array.from({ length: 60 }, (_, at) => [
        ...['-c', `write -P ${at + 1} ${(at * 7_777_777) % (63 * MiB)} ${1 + ((at * 3001) % 90_000)}`],
        ...(at % 7 === 0 ? ['-c', `write -z ${(at * 5_555_555) % (63 * MiB)} 40000`] : []),
        ...(at % 9 === 0 ? ['-c', `discard ${(at * 65536 * 3) % (63 * MiB)} 64k`] : []),
      ]).flat();
      await run('qemu-io', ['-f', 'qcow2', ...writes, file('written')]);
      await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', file('written'), file('written.raw')]);
      const raw = await readFile(file('written.raw'));
      expect(await digest('written', 'disk-qcow2')).toBe(digestOf(raw));
      const disk = await openGuestDisk(inMemory(await readFile(file('written'))), 'disk-qcow2');
      for (let at = 0; at < 50; at++) {
        const position = (at * 3_333_333) % (60 * MiB);
        const length = 1 + ((at * 77_777) % (3 * MiB));
        expect((await disk.read(position, length)).equals(raw.subarray(position, position + length))).toBe(true);
        if (await disk.isZero(position, length))
          expect(raw.subarray(position, position + length).equals(Buffer.alloc(length))).toBe(true);
      }
    }
  });

  test.each([1, 511, 512, 1000, 4 * MiB, 4 * MiB + 1, 9 * MiB - 512])(
    'of a raw file of %d bytes ends with its last sector',
    async (size) => {
      const bytes = Buffer.alloc(size, 'some text ');
      expect(await contentDigest(await openGuestDisk(inMemory(bytes), 'disk-raw'))).toBe(digestOf(bytes));
    },
  );
});
