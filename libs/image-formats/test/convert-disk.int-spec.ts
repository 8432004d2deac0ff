import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { CONVERSIONS, type ContentDigest, type ContentType, type Conversion } from '#libs/contracts';
import { describeWith, tempDir, tool, type TempDir } from '#libs/testing';
import { inspect } from '../index.js';
import { convert } from '../conversion/convert.js';
import { type ConversionWork } from '../conversion/conversion-work.js';
import { scratchSpace } from '../conversion/scratch-space.js';
import { FileBytes } from '../conversion/file-bytes.js';

const run = promisify(execFile);
const MiB = 2 ** 20;
const SIZE = 24 * MiB;
const SOURCES: Record<string, string[]> = {
  'disk-raw': ['raw'],
  'disk-qcow2': ['qcow2'],
  'disk-vmdk': ['vmdk', '-o', 'subformat=monolithicSparse'],
  'disk-vdi': ['vdi'],
  'disk-vhd': ['vpc', '-o', 'force_size=on'],
  'disk-vhdx': ['vhdx'],
};
const OF_DISKS = CONVERSIONS.filter(({ from, to }) => from.startsWith('disk-') && to.startsWith('disk-'));

await describeWith([tool('qemu-img')], 'a disk', () => {
  let sources: TempDir;
  let temp: TempDir;
  let folder: string;
  let raw: Buffer;
  let digest: ContentDigest;
  let abort: AbortController;

  const sourceOf = (contentType: string) => join(sources.path, contentType);

  beforeAll(async () => {
    sources = await tempDir();
    await writeFile(sourceOf('disk-raw'), randomFillSync(Buffer.alloc(5 * MiB + 70_000)));
    await truncate(sourceOf('disk-raw'), SIZE);
    const disk = await open(sourceOf('disk-raw'), 'r+');
    await disk.write(randomFillSync(Buffer.alloc(MiB)), 0, MiB, 17 * MiB + 4096);
    await disk.close();
    raw = await readFile(sourceOf('disk-raw'));
    for (const [contentType, [format = '', ...options]] of Object.entries(SOURCES)) {
      if (format === 'raw') continue;
      await run('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, sourceOf('disk-raw'), sourceOf(contentType)]);
    }
    await using bytes = await FileBytes.open(sourceOf('disk-raw'));
    digest = (await inspect(bytes, 'disk-raw')).contentDigest!;
  });
  afterAll(() => sources.remove());

  beforeEach(async () => {
    temp = await tempDir();
    folder = join(temp.path, 'work');
    await mkdir(folder);
    abort = new AbortController();
  });
  afterEach(() => temp.remove());

  async function converted(
    conversion: Conversion,
    file: string,
    more: Partial<ConversionWork> = {},
    contentDigest: ContentDigest | null = null,
  ) {
    await using bytes = await FileBytes.open(file);
    return await convert({
      ...{ conversion, source: { file, bytes, contentDigest }, folder, maxBytes: 64 * MiB, signal: abort.signal },
      ...{
        reservedBytes: await scratchSpace(conversion, bytes).catch(() => SIZE),
        progress: () => undefined,
        log: () => undefined,
      },
      ...more,
    });
  }
  const conversion = (from: ContentType, to: ContentType): Conversion =>
    CONVERSIONS.find((each) => each.from === from && each.to === to && each.subformat === undefined)!;

  describe('is converted', () => {
    test.each(OF_DISKS.map((each): [string, Conversion] => [each.recipe, each]))('by %s, and stays the same', async (_, each) => {
      const seen: number[] = [];
      const completed: string[] = [];
      const result = await converted(each, sourceOf(each.from), {
        progress: (fraction) => seen.push(fraction),
        onConverted: (file) => completed.push(file),
      });
      expect(result).toMatchObject({
        ...{ contentType: each.to, contentDigest: digest, tool: expect.stringMatching(/^qemu-img \d+\.\d+/) },
        facts: each.to === 'disk-raw' ? {} : { virtualSize: SIZE },
      });
      if (each.to === 'disk-vmdk') expect(result.facts).toMatchObject({ createType: each.subformat ?? 'monolithicSparse' });
      expect(result.arguments.join(' ')).toMatch(/^convert .* source result$|^convert .*filename=source result$/);
      expect(result.arguments.join(' ')).not.toContain('/');
      expect(completed).toEqual([result.file]);
      expect(await readdir(folder)).toEqual(['disk']);
      expect(seen.at(-1)).toBe(1);
      expect(seen).toEqual([...seen].sort((a, b) => a - b));

      const [format = ''] = SOURCES[each.to]!;
      await run('qemu-img', ['convert', '-f', format, '-O', 'raw', result.file, join(temp.path, 'back')]);
      expect((await readFile(join(temp.path, 'back'))).equals(raw)).toBe(true);
    });

    test('with its holes', async () => {
      const { file } = await converted(conversion('disk-qcow2', 'disk-raw'), sourceOf('disk-qcow2'));
      expect((await stat(file)).blocks * 512).toBeLessThan(8 * MiB);
    });

    test('though its refcounts leak space, as they do after a crash of its machine', async () => {
      const leaking = join(temp.path, 'leaking');
      await copyFile(sourceOf('disk-qcow2'), leaking);
      await truncate(leaking, (await stat(leaking)).size + 65_536);
      await run('qemu-io', ['-f', 'qcow2', '-c', 'write 20M 64k', '-c', 'abort', leaking]).catch(() => undefined);
      expect((await converted(conversion('disk-qcow2', 'disk-raw'), leaking)).contentType).toBe('disk-raw');
    });
  });

  describe('is not converted', () => {
    const toQcow2 = () => conversion('disk-raw', 'disk-qcow2');

    test('into another one: what the guest sees is compared', async () => {
      const other = `disk-sha256-4m:${'0'.repeat(64)}` as const;
      await expect(converted(toQcow2(), sourceOf('disk-raw'), {}, other)).rejects.toMatchObject({
        code: 'CONTENT_INVALID',
        message: expect.stringContaining('would not be the same'),
      });
    });

    test('where the result would be larger than is taken here', async () => {
      const tooLarge = { maxBytes: SIZE - 1 };
      await expect(converted(conversion('disk-qcow2', 'disk-raw'), sourceOf('disk-qcow2'), tooLarge)).rejects.toMatchObject({
        code: 'IMAGE_TOO_LARGE',
      });
      await expect(converted(toQcow2(), sourceOf('disk-raw'), { maxBytes: 2 * MiB })).rejects.toMatchObject({
        code: 'CONTENT_REFUSED',
        message: expect.stringContaining('2097152 bytes'),
      });
    });

    test('once its job has been stopped', async () => {
      await expect(
        converted(toQcow2(), sourceOf('disk-raw'), { progress: () => abort.abort(new Error('cancelled')) }),
      ).rejects.toThrow('cancelled');
      abort = new AbortController();
      await expect(
        converted(toQcow2(), sourceOf('disk-raw'), { onConverted: () => abort.abort(new Error('cancelled late')) }),
      ).rejects.toThrow('cancelled late');
    });
  });

  describe('that inspection would refuse is refused once more', () => {
    const secret = () => join(temp.path, 'secret');
    const hostile = () => join(temp.path, 'hostile');
    const create = (...options: string[]) => run('qemu-img', ['create', '-q', ...options], { cwd: temp.path });

    beforeEach(() => writeFile(secret(), Buffer.alloc(MiB, 'secret')));

    test.each<[string, ContentType, () => string[]]>([
      ['with a backing file', 'disk-qcow2', () => ['-f', 'qcow2', '-F', 'raw', '-b', secret(), hostile()]],
      ['with a data file', 'disk-qcow2', () => ['-f', 'qcow2', '-o', `data_file=${secret()}`, hostile(), '1M']],
      ['with a flat extent', 'disk-vmdk', () => ['-f', 'vmdk', '-o', 'subformat=monolithicFlat', hostile(), '1M']],
    ])('%s', async (_, from, options) => {
      await create(...options());
      await expect(converted(conversion(from, 'disk-raw'), hostile(), {}, digest)).rejects.toMatchObject({
        code: 'CONTENT_REFUSED',
      });
      expect(await readdir(folder)).toEqual([]);
    });

    test('with a parent', async () => {
      await create('-f', 'vmdk', '-F', 'vmdk', '-b', sourceOf('disk-vmdk'), hostile());
      await expect(converted(conversion('disk-vmdk', 'disk-raw'), hostile(), {}, digest)).rejects.toMatchObject({
        code: 'CONTENT_REFUSED',
      });
    });

    test('with a snapshot', async () => {
      await copyFile(sourceOf('disk-qcow2'), hostile());
      await run('qemu-img', ['snapshot', '-c', 'one', hostile()]);
      await expect(converted(conversion('disk-qcow2', 'disk-raw'), hostile(), {}, digest)).rejects.toThrow('snapshots');
    });

    test('and what is cut is not padded', async () => {
      await copyFile(sourceOf('disk-qcow2'), hostile());
      await truncate(hostile(), 3 * MiB);
      await expect(converted(conversion('disk-qcow2', 'disk-raw'), hostile(), {}, digest)).rejects.toMatchObject({
        code: 'CONTENT_REFUSED',
      });
    });

    test('while a disk that holds the text of another format is raw all the same', async () => {
      const text = `# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType="monolithicFlat"\nRW 2048 FLAT "${secret()}" 0\n`;
      await writeFile(hostile(), text);
      await truncate(hostile(), MiB);
      const result = await converted(conversion('disk-raw', 'disk-qcow2'), hostile());
      await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', result.file, join(temp.path, 'back')]);
      expect((await readFile(join(temp.path, 'back'), 'latin1')).startsWith(text)).toBe(true);
    });
  });

  test('whose result is a link is not looked at', async () => {
    await symlink('/etc/passwd', join(temp.path, 'link'));
    await expect(FileBytes.open(join(temp.path, 'link'))).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    await run('mkfifo', [join(temp.path, 'pipe')]);
    await expect(FileBytes.open(join(temp.path, 'pipe'))).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });
});
