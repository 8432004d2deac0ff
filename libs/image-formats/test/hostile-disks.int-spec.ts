import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type ContentType } from '#libs/contracts';
import { describeWith, tempDir, tool, type TempDir } from '#libs/testing';
import { inMemory } from '#libs/testing/images';
import { contentDigest, DEFAULT_LIMITS, inspect, inspectFacts, openGuestDisk } from '../index.js';

const run = promisify(execFile);
const MiB = 2 ** 20;
const SIZE = 8 * MiB;

/** What has led registries and clouds to give away files of their own, or to break down. */
await describeWith([tool('qemu-img')], 'a hostile disk', () => {
  let dir: TempDir;
  const file = (name: string) => `${dir.path}/${name}`;
  const make = async (options: string[]) => {
    await run('qemu-img', options, { cwd: dir.path });
    return await readFile(file('hostile'));
  };
  const converted = (...options: string[]) => make(['convert', '-f', 'raw', ...options, 'source.raw', 'hostile']);
  const look = (disk: Buffer, type?: ContentType, limits = DEFAULT_LIMITS) => inspectFacts(inMemory(disk), type, limits);

  beforeAll(async () => {
    dir = await tempDir();
    await writeFile(file('source.raw'), randomFillSync(Buffer.alloc(2 * MiB)));
    await truncate(file('source.raw'), SIZE);
    await writeFile(file('secret'), 'what no user may read'.padEnd(MiB));
  });
  afterAll(() => dir.remove());

  test.each([
    ['a file', 'secret'],
    ['an absolute path', '/etc/passwd'],
    ['another machine', 'nbd://127.0.0.1:1/secret'],
    ['a URL', 'https://127.0.0.1:1/secret'],
    ['an inner URL of qemu', 'json:{"driver":"file","filename":"/etc/passwd"}'],
  ])('of qcow2 whose backing file is %s is refused, declared or not', async (_, backing) => {
    const disk = await make(['create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', backing, 'hostile', '1M']);
    expect((await run('qemu-img', ['info', '-f', 'qcow2', file('hostile')])).stdout).toContain('backing file: ');
    for (const declared of ['disk-qcow2', undefined] as const)
      await expect(look(disk, declared)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    await expect(openGuestDisk(inMemory(disk), 'disk-qcow2')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test('of qcow2 with an external data file is refused by whoever reads it, too', async () => {
    const disk = await make(['create', '-q', '-f', 'qcow2', '-o', 'data_file=data,data_file_raw=on', 'hostile', '1M']);
    await expect(look(disk)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    await expect(openGuestDisk(inMemory(disk), 'disk-qcow2')).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test('of qcow2 that needs a feature of the future is refused', async () => {
    const disk = await converted('-O', 'qcow2');
    disk[79]! |= 0x20;
    await writeFile(file('hostile'), disk);
    await expect(run('qemu-img', ['info', '-f', 'qcow2', file('hostile')])).rejects.toThrow('Unsupported qcow2 feature');
    await expect(look(disk)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test('that is a text naming other files is refused, unless someone says it is raw: then it is that text', async () => {
    await make(['create', '-q', '-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'hostile', '1M']);
    const text = (await readFile(file('hostile'), 'latin1')).replace(/hostile-flat(\.vmdk)?/, 'secret');
    await writeFile(file('hostile'), text);
    expect((await run('qemu-img', ['convert', '-O', 'raw', file('hostile'), file('leak')])).stderr).toBe('');
    expect((await readFile(file('leak'))).includes('what no user may read')).toBe(true);
    const disk = Buffer.from(text, 'latin1');
    for (const declared of ['disk-vmdk', undefined] as const)
      await expect(look(disk, declared)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    const raw = await openGuestDisk(inMemory(disk), 'disk-raw');
    expect((await raw.read(0, disk.length)).equals(disk)).toBe(true);
    expect((await inspect(inMemory(disk), 'disk-raw')).contentDigest).toBe(await contentDigest(raw));
  });

  /** As VMware writes a stream: with the place of its grain directory in a footer. */
  const withFooter = (disk: Buffer) => {
    const [header, marker, end] = [Buffer.from(disk.subarray(0, 512)), Buffer.alloc(512), Buffer.alloc(512)];
    marker.writeUInt32LE(1, 0);
    marker.writeUInt32LE(3, 12);
    disk.fill(0xff, 56, 64);
    return Buffer.concat([disk, marker, header, end]);
  };

  test.each<[string, (disk: Buffer) => unknown, string]>([
    ['no footer', (disk) => disk.fill(0, disk.length - 1024, disk.length - 512), 'TRUNCATED'],
    ['no end of its stream', (disk) => disk.fill(1, disk.length - 512), 'TRUNCATED'],
    ['another marker before its footer', (disk) => disk.writeUInt32LE(1, disk.length - 1536 + 12), 'TRUNCATED'],
    ['a footer of another size', (disk) => disk.writeBigUInt64LE(2048n, disk.length - 1024 + 12), 'REFUSED'],
    ['a footer with a descriptor of its own', (disk) => disk.writeBigUInt64LE(64n, disk.length - 1024 + 28), 'REFUSED'],
    ['a footer of a version to come', (disk) => disk.writeUInt32LE(4, disk.length - 1024 + 4), 'INVALID'],
    ['a version to come', (disk) => disk.writeUInt32LE(9, 4), 'INVALID'],
    ['no extent', (disk) => disk.write('# ', disk.indexOf('\nRW ') + 1), 'REFUSED'],
    ['a sub-format of many files', (disk) => disk.write('twoGbMaxExtentS', disk.indexOf('streamOptimized')), 'REFUSED'],
    ['an extent that is a file of its own', (disk) => disk.write('FLAT  ', disk.indexOf('SPARSE')), 'REFUSED'],
  ])('of VMDK with %s is not accepted', async (_, change, code) => {
    const disk = withFooter(await converted('-O', 'vmdk', '-o', 'subformat=streamOptimized'));
    await writeFile(file('hostile'), disk);
    await run('qemu-img', ['check', '-f', 'vmdk', file('hostile')]);
    await expect(look(disk)).resolves.toBeDefined();
    change(disk);
    await expect(look(disk, 'disk-vmdk')).rejects.toMatchObject({ code: `CONTENT_${code}` });
  });

  test('of two formats at once is what it says first, or what someone says it is, and nothing else', async () => {
    const disk = await converted('-O', 'qcow2');
    disk.writeUInt16LE(0xaa55, 510);
    disk.write('EFI PART', 4096);
    expect(await look(disk)).toMatchObject({ contentType: 'disk-qcow2' });
    expect(await look(disk, 'disk-raw')).toMatchObject({ facts: { virtualSize: disk.length, partitionTable: 'gpt' } });
    const raw = await openGuestDisk(inMemory(disk), 'disk-raw');
    expect(raw.size).toBe(disk.length);
  });

  test('with a qcow2 header as the first sectors of its guest stays raw', async () => {
    const header = await make(['create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', '/etc/passwd', 'hostile', '1M']);
    const fixed = Buffer.concat([header, Buffer.alloc(MiB)]);
    expect(await look(fixed, 'disk-raw')).toMatchObject({ contentType: 'disk-raw', facts: { virtualSize: fixed.length } });
    await expect(look(fixed)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test('of 1 PiB in a small file is refused', async () => {
    const disk = await make(['create', '-q', '-f', 'qcow2', '-o', 'cluster_size=2M', 'hostile', '1P']);
    await expect(look(disk)).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining('limit') });
  });

  test('that unpacks to far more than itself is refused as the bomb that it is', async () => {
    await writeFile(file('source.raw'), Buffer.alloc(64 * MiB, 0xff));
    const limits = { ...DEFAULT_LIMITS, freeExpansionBytes: 16 * MiB };
    for (const options of [
      ['-c', '-O', 'qcow2', '-o', 'compression_type=zstd'],
      ['-c', '-O', 'qcow2'],
      ['-O', 'vmdk', '-o', 'subformat=streamOptimized'],
    ]) {
      const disk = await converted(...options);
      await expect(look(disk, undefined, limits)).resolves.toBeDefined();
      const tight = { ...limits, maxExpansionRatio: 20 };
      await expect(look(disk, undefined, tight)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
    }
  });

  test('whose compressed data are spoiled is invalid, and harms nobody who reads it', async () => {
    await writeFile(file('source.raw'), randomFillSync(Buffer.alloc(4 * MiB, 'text '), 0, MiB));
    for (const [type, ...options] of [
      ['disk-qcow2', '-c', '-O', 'qcow2', '-o', 'compression_type=zstd'],
      ['disk-qcow2', '-c', '-O', 'qcow2'],
      ['disk-vmdk', '-O', 'vmdk', '-o', 'subformat=streamOptimized'],
    ] as [ContentType, ...string[]][]) {
      const whole = await converted(...options);
      for (let round = 1; round <= 40; round++) {
        const disk = Buffer.from(whole);
        const start = type === 'disk-qcow2' ? 5 * 65536 : 65536;
        for (let change = 0; change < round; change++)
          disk[start + ((round * 7919 + change * 104_729) % Math.min(disk.length - start - 4096, MiB))]! ^= 0xff;
        const digest = openGuestDisk(inMemory(disk), type).then((opened) => contentDigest(opened));
        const end = await digest.catch((error: { code?: string }) => error.code);
        expect(end).toMatch(/^(CONTENT_INVALID|CONTENT_TRUNCATED|disk-sha256-4m:.*)$/);
      }
    }
  }, 60_000);
});
