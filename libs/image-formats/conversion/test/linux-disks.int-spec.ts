import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { describeWith, tempDir, tool, type TempDir } from '#libs/testing';
import { inMemory } from '#libs/testing/images';
import { readTar } from '../../tar/tar.reader.js';
import { CONVERSIONS, type JsonObject } from '#libs/contracts';
import { diskToContainer } from '../disk-to-container/disk-to-container.js';
import { convertDisk, partitionedDisk } from './convert-disk.js';

const run = promisify(execFile);
const SYSTEM = { 'etc/os-release': 'ID=one\n', 'bin/sh': '#!', 'home/.keep': '', 'usr/.keep': '' };

await describeWith([tool('mke2fs'), tool('debugfs'), tool('qemu-img')], 'a disk', () => {
  let dir: TempDir;
  beforeAll(async () => void (dir = await tempDir()));
  afterAll(() => dir.remove());

  const filesystem = async (files: Record<string, string>, ...options: string[]) => {
    const tree = `${dir.path}/tree`;
    await rm(tree, { recursive: true, force: true });
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(`${tree}/${path}`), { recursive: true });
      await writeFile(`${tree}/${path}`, content);
    }
    await run('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-d', tree, ...options, `${dir.path}/disk`, '16M']);
    return readFile(`${dir.path}/disk`);
  };
  const changed = async (disk: Buffer, ...commands: string[]) => {
    await writeFile(`${dir.path}/disk`, disk);
    await writeFile(`${dir.path}/commands`, `${commands.join('\n')}\n`);
    await run('debugfs', ['-w', '-f', `${dir.path}/commands`, `${dir.path}/disk`]);
    return readFile(`${dir.path}/disk`);
  };
  const blockOf = async (disk: Buffer, path: string) => {
    await writeFile(`${dir.path}/disk`, disk);
    return Number((await run('debugfs', ['-R', `bmap ${path} 0`, `${dir.path}/disk`])).stdout);
  };
  const names = async (archive: Buffer) => {
    const found: string[] = [];
    for await (const { header, body } of readTar(inMemory(archive).stream())) {
      if (!header.name.endsWith('/layer.tar')) continue;
      for await (const entry of readTar(body)) found.push(entry.header.name);
    }
    return found;
  };
  const unreadable = (contents: string) =>
    Buffer.concat([Buffer.from(contents, 'latin1'), Buffer.alloc(2 ** 20 - contents.length)]);

  test('without a Linux filesystem that can be read is refused with what it holds', async () => {
    const fat = unreadable(`${' '.repeat(82)}FAT32`);
    const data = await filesystem({ 'photos/one': '1' });
    await expect(convertDisk(dir.path, partitionedDisk(fat, unreadable('XFSB'), data))).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message:
        'the disk holds no Linux filesystem that can be read here: partition 1 is FAT, partition 2 is XFS, ' +
        'partition 3 is ext4 without a Linux system; ext2, ext3 and ext4 can be',
    });
    await expect(convertDisk(dir.path, unreadable('hsqs'))).rejects.toThrow('the disk itself is SquashFS');
    await expect(convertDisk(dir.path, Buffer.alloc(512))).rejects.toThrow('the disk itself is empty');
  });

  test('with more than one filesystem gives the one that holds a system', async () => {
    const [data, system] = [await filesystem({ 'photos/one': '1' }), await filesystem(SYSTEM)];
    const converted = await convertDisk(dir.path, partitionedDisk(unreadable('FAT'), data, system));
    expect(converted.arguments).toEqual(['root=3']);
    expect(converted.fractions.at(-1)).toBe(1);
    expect(await names(converted.archive)).toEqual([
      ...['./', 'bin/', 'bin/sh', 'etc/', 'etc/os-release', 'home/', 'home/.keep', 'usr/', 'usr/.keep'],
    ]);
  });

  test('in another format gives the same archive', async () => {
    const disk = partitionedDisk(await filesystem(SYSTEM));
    const { archive } = await convertDisk(dir.path, disk);
    await writeFile(`${dir.path}/raw`, disk);
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', `${dir.path}/raw`, `${dir.path}/qcow2`]);
    await mkdir(`${dir.path}/from-qcow2`);
    const { file } = await diskToContainer({
      conversion: CONVERSIONS.find(({ from, to }) => from === 'disk-qcow2' && to === 'docker-image')!,
      source: { file: `${dir.path}/qcow2`, bytes: inMemory(await readFile(`${dir.path}/qcow2`)), contentDigest: null },
      ...{ folder: `${dir.path}/from-qcow2`, maxBytes: 2 ** 30, reservedBytes: 2 ** 30, signal: new AbortController().signal },
      progress: () => undefined,
      log: () => undefined,
    });
    expect((await readFile(file)).equals(archive)).toBe(true);
  });

  test('gives what its /etc/fstab mounts of it, and logs what cannot be had', async () => {
    const fstab = 'LABEL=people /home ext4 defaults\n/dev/vda3 /usr ext4\nUUID=12 /srv xfs\n/dev/sda4 /opt xfs nofail\n';
    const system = await filesystem({ ...SYSTEM, 'etc/fstab': fstab });
    const people = await filesystem({ 'ann/hello': 'hello' }, '-L', 'people');
    const programs = await filesystem({ 'bin/true': '' });
    const converted = await convertDisk(dir.path, partitionedDisk(system, people, programs, unreadable('XFSB')));
    expect(await names(converted.archive)).toEqual(expect.arrayContaining(['home/ann/hello', 'usr/bin/true']));
    expect(await names(converted.archive)).not.toContain('usr/.keep');
    expect(converted.arguments).toEqual(['root=1', '/home=2', '/usr=3']);
    expect(converted.lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^\/srv was left out: .* not on this disk/),
        '/opt was left out: partition 4 is XFS',
      ]),
    );
  });

  test.each([
    [
      'UUID=12 /usr xfs defaults',
      'mounts "UUID=12" at "/usr", but that is not on this disk, or in a format that is not read here',
    ],
    ['/dev/vda2 /var/ xfs', 'mounts "/dev/vda2" at "/var", but partition 2 is XFS'],
    ['/dev/mapper/vg-local /usr/local ext4', 'mounts "/dev/mapper/vg-local" at "/usr/local", but that is not on this disk'],
  ])('whose /etc/fstab mounts a part of the system that cannot be had is refused: %s', async (fstab, message) => {
    const disk = async (files: Record<string, string>) =>
      partitionedDisk(await filesystem({ ...SYSTEM, ...files }), unreadable('XFSB'));
    await expect(convertDisk(dir.path, await disk({ 'etc/fstab': `${fstab}\n` }))).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: expect.stringContaining(message),
    });
    const ofContainer = await disk({ 'etc/fstab': `${fstab}\n`, '.vice/container.json': '{}' });
    expect((await convertDisk(dir.path, ofContainer)).lines).toContainEqual(expect.stringContaining('was left out'));
  });

  test('is refused with neither a shell nor the program that was recorded', async () => {
    const disk = (config?: JsonObject) =>
      filesystem({
        ...{ 'etc/os-release': '', 'usr/.keep': '', 'srv/run': '#!' },
        ...(config && { '.vice/container.json': JSON.stringify({ version: 1, os: 'linux', architecture: 'amd64', config }) }),
      });
    const without: (JsonObject | undefined)[] = [undefined, {}, { Cmd: ['/run'] }, { Cmd: ['run'] }];
    for (const config of without) {
      await expect(convertDisk(dir.path, await disk(config))).rejects.toMatchObject({
        code: 'CONTENT_REFUSED',
        message: 'the system on the disk has neither a shell nor the program that a container of it would start',
      });
    }
    const sound: JsonObject[] = [
      { Entrypoint: ['/srv/run'] },
      { Cmd: ['./run'], WorkingDir: '/srv' },
      { Cmd: ['run'], Env: ['PATH=/bin:/srv'] },
    ];
    for (const config of sound)
      expect(await names((await convertDisk(dir.path, await disk(config))).archive)).toContain('srv/run');
  });

  test('gives what was recorded up to a limit', async () => {
    const convert = async (length: number) => {
      const config = { Cmd: ['/bin/sh'], Labels: { long: 'x'.repeat(length) } };
      const record = JSON.stringify({ version: 1, os: 'linux', architecture: 'amd64', config });
      return (await convertDisk(dir.path, await filesystem({ ...SYSTEM, '.vice/container.json': record }))).lines;
    };
    const complaint = expect.stringContaining('larger than 8388608 bytes');
    expect(await convert(7 * 2 ** 20)).not.toContainEqual(expect.stringContaining('container.json'));
    expect(await convert(2 ** 23)).toContainEqual(complaint);
  });

  test('gives no name that an engine would take for an order to delete', async () => {
    const { archive, lines } = await convertDisk(
      dir.path,
      await filesystem({ ...SYSTEM, 'bin/.wh.sh': '', 'bin/.wh..wh..opq': '' }),
    );
    expect((await names(archive)).filter((name) => name.includes('.wh.'))).toEqual([]);
    expect(lines.filter((line) => line.includes('order to delete'))).toHaveLength(2);
  });

  test('is refused where the image would be too large, before it is read', async () => {
    const disk = await changed(await filesystem(SYSTEM), 'sif /bin/sh size 1000000000000');
    await expect(convertDisk(dir.path, disk)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  test('with an encrypted filesystem is refused in words', async () => {
    const disk = await filesystem(SYSTEM, '-O', 'encrypt');
    await expect(convertDisk(dir.path, partitionedDisk(disk))).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: 'partition 1 cannot be read: the ext4 filesystem encrypts files, so it cannot be read',
    });
  });

  test('that is smaller than its filesystem is truncated', async () => {
    const disk = await filesystem(SYSTEM);
    for (const length of [4096, 2 ** 20, disk.length - 512]) {
      await expect(convertDisk(dir.path, disk.subarray(0, length))).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
    }
  });

  test.each<[string, (disk: Buffer) => Promise<Buffer>]>([
    ['a folder that contains itself', (disk) => changed(disk, 'link /usr /usr/loop')],
    ['a folder in two places', (disk) => changed(disk, 'link /usr /home/usr')],
    [
      'a name for an inode that it does not have',
      async (disk) => (disk.writeUInt32LE(999_999, (await blockOf(disk, '/bin')) * 4096 + 24), disk),
    ],
    ['a name for a deleted file', (disk) => changed(disk, 'clri /bin/sh')],
    ['a file outside of it', (disk) => changed(disk, 'sif /bin/sh block[5] 0xffffff')],
    ['a tree of extents without depth', (disk) => changed(disk, 'sif /bin/sh block[1] 0x00090001')],
    ['an inode table outside of it', (disk) => changed(disk, 'set_bg 0 inode_table 4000000')],
    ['impossible numbers in its superblock', async (disk) => (disk.writeUInt32LE(0, 1024 + 0x20), disk)],
    ['an impossible block size', async (disk) => (disk.writeUInt32LE(60, 1024 + 0x18), disk)],
    [
      'a folder whose entries have no length',
      async (disk) => (disk.writeUInt16LE(0, (await blockOf(disk, '/usr')) * 4096 + 4), disk),
    ],
    ['a journal that is none', (disk) => changed(disk, 'feature needs_recovery', 'clri <8>')],
  ])('that holds %s is invalid', async (_, spoil) => {
    const spoiled = await spoil(await filesystem(SYSTEM));
    await expect(convertDisk(dir.path, spoiled)).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  test('with any of its metadata damaged is refused, or read, but never fails us', async () => {
    const disk = await filesystem({ ...SYSTEM, 'etc/fstab': 'x', 'etc/long': 'x'.repeat(100_000) }, '-O', '^flex_bg');
    let state = 1;
    const random = (below: number) => (state = (state * 48_271) % 0x7fffffff) % below;
    for (let round = 0; round < 150; round++) {
      const spoiled = Buffer.from(disk);
      for (let bytes = 0; bytes < 40; bytes++) spoiled[1024 + random(2_000_000)] = random(256);
      await convertDisk(dir.path, spoiled, { maxBytes: 2 ** 25 }).catch((error: { code?: string }) => {
        expect(['CONTENT_INVALID', 'CONTENT_REFUSED', 'CONTENT_TRUNCATED', 'IMAGE_TOO_LARGE']).toContain(error.code);
      });
    }
  });
});
