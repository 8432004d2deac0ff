import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describeWith, root, tempDir, tool, type TempDir } from '#libs/testing';
import { inMemory } from '#libs/testing/images';
import { inspect } from '../../inspect.js';
import { encodeTarEntry, tarPadding, type NewTarEntry } from '../../tar/tar.encoder.js';
import { containerFromDisk } from '../disk-to-container/container-from-disk.js';
import { diskInMemory } from './disk-in-memory.js';

const run = promisify(execFile);
const BLANK = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 1_700_000_000, nanoseconds: 0 } };
const LONG = 'long-'.repeat(49);
const latin1 = (text: string) => Buffer.from(text).toString('latin1');
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
const acl = Buffer.from('0200000001000600ffffffff02000400d204000004000400ffffffff10000400ffffffff20000400ffffffff', 'hex');

/** What there can be in a tree, with the content of files. */
const TREE: (Partial<NewTarEntry> & { name: string; content?: Buffer | string })[] = [
  { name: 'bin/', type: 'directory' },
  { name: 'bin/sh', content: '#!/bin/true' },
  { name: 'bin/capable', content: 'c', attributes: [{ name: 'security.capability', value: capability }] },
  { name: 'bin/setuid', content: 's', mode: 0o4755 },
  { name: 'etc/', type: 'directory' },
  { name: 'etc/os-release', content: 'ID=test\n' },
  { name: 'etc/shared', content: 'a', mode: 0o640, attributes: [{ name: 'system.posix_acl_access', value: acl }] },
  { name: 'dev/', type: 'directory' },
  { name: 'dev/null', type: 'character-device', device: { major: 1, minor: 3 }, mode: 0o666 },
  { name: 'dev/wide', type: 'block-device', device: { major: 259, minor: 70_000 }, mode: 0o660, gid: 6 },
  { name: 'run/', type: 'directory', mode: 0o1777 },
  { name: 'run/pipe', type: 'fifo', mode: 0o600 },
  { name: 'files/', type: 'directory', mode: 0o2750, uid: 70_000, gid: 3_000_000_000 },
  { name: 'files/empty' },
  { name: 'files/old', content: 'before 1970', mtime: { seconds: -86_400, nanoseconds: 0 } },
  { name: 'files/small', content: 'x'.repeat(150) },
  { name: 'files/large', content: Buffer.alloc(9_000_000, 'content') },
  { name: 'files/hole', content: Buffer.concat([Buffer.alloc(20_000_000), Buffer.from('end')]) },
  { name: 'files/looks-like-a-journal', content: Buffer.from('c03b3998000000010000000200000000', 'hex') },
  { name: 'files/hard', type: 'link', linkname: 'files/small' },
  { name: 'files/short', type: 'symlink', linkname: '../etc/os-release', mode: 0o777 },
  { name: 'files/long', type: 'symlink', linkname: `/${LONG}/${LONG}`, mode: 0o777 },
  { name: latin1('files/Grüße 🌍'), content: 'unicode' },
  { name: 'files/\xff\xfe', content: 'no text at all' },
  { name: `files/${LONG}`, content: 'long' },
  { name: 'files/noted', content: 'n', attributes: [{ name: 'user.note', value: Buffer.from([0, 1, 10, 0xff]) }] },
  { name: 'many/', type: 'directory' },
  ...Array.from({ length: 700 }, (_, at) => ({ name: `many/file-with-a-name-${at}`, content: `${at}` })),
];

function treeAsTar(): Buffer {
  const blocks = TREE.flatMap(({ content = '', ...entry }) => {
    const bytes = Buffer.from(content as string);
    return [encodeTarEntry({ ...BLANK, type: 'file', ...entry, size: bytes.length }), bytes, tarPadding(bytes.length)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

await describeWith([tool('mke2fs'), tool('debugfs'), root()], 'the Linux system on a disk', () => {
  let dir: TempDir;
  const path = (name: string) => `${dir.path}/${name}`;
  const extract = async (archive: string, folder: string) => {
    await mkdir(path(folder), { recursive: true });
    await run('tar', ['-xpf', archive, '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', path(folder)]);
  };
  /** All that a tar says of a folder, its root's time aside: that one is set by mke2fs. */
  const digestOf = async (folder: string) => {
    await utimes(path(folder), 0, 0);
    const only = ['--format=posix', '--pax-option=delete=atime,delete=ctime', '--sort=name'];
    const all = ['--numeric-owner', '--xattrs', '--xattrs-include=*'];
    await run('tar', ['-cf', path('listing.tar'), ...only, ...all, '-C', path(folder), '.']);
    return createHash('sha256')
      .update(await readFile(path('listing.tar')))
      .digest('hex');
  };
  const format = async (disk: string, ...options: string[]) => {
    await rm(path(disk), { force: true });
    await run('mke2fs', ['-q', '-d', path('tree'), '-E', 'root_owner=0:0', ...options, path(disk), '64M']);
  };
  const debugfs = async (disk: string, ...commands: string[]) => {
    await writeFile(path('commands'), `${commands.join('\n')}\n`);
    return (await run('debugfs', ['-w', '-f', path('commands'), path(disk)])).stdout;
  };
  const convert = async (disk: Buffer) => {
    await rm(path('work'), { recursive: true, force: true });
    await mkdir(path('work'));
    const lines: string[] = [];
    const work = { folder: path('work'), maxBytes: 2 ** 30, signal: new AbortController().signal, progress: () => undefined };
    const { file } = await containerFromDisk(diskInMemory(disk), { ...work, log: (line) => void lines.push(line) });
    const { facts } = await inspect(inMemory(await readFile(file)), 'docker-image');
    await extract(file, 'work/image');
    const layer = path(`work/image/${String((facts.diffIds as string[])[0]).slice(7)}/layer.tar`);
    return { facts, lines, layer };
  };
  const layerDigest = async (disk: string) => {
    const { layer } = await convert(await readFile(path(disk)));
    await extract(layer, 'work/root');
    return digestOf('work/root');
  };

  beforeAll(async () => {
    dir = await tempDir();
    await writeFile(path('tree.tar'), treeAsTar());
    await extract(path('tree.tar'), 'tree');
  });
  afterAll(() => dir.remove());

  test.each([
    ['ext2', ['-t', 'ext2']],
    ['ext2 with blocks of 1 KiB', ['-t', 'ext2', '-b', '1024']],
    ['ext3 with small inodes', ['-t', 'ext3', '-b', '2048', '-I', '128']],
    ['ext4', ['-t', 'ext4']],
    ['ext4 without extents', ['-t', 'ext4', '-O', '^extents,^64bit']],
    ['ext4 with content in inodes', ['-t', 'ext4', '-O', 'inline_data', '-I', '512']],
    ['ext4 with attributes in inodes of their own', ['-t', 'ext4', '-O', 'ea_inode,large_dir']],
    ['ext4 with descriptors in their groups', ['-t', 'ext4', '-b', '1024', '-O', 'meta_bg,^resize_inode']],
    ['ext4 without flexible groups', ['-t', 'ext4', '-b', '1024', '-O', '^flex_bg,^64bit']],
    ['ext4 with clusters', ['-t', 'ext4', '-O', 'bigalloc']],
    ['ext4 with two superblocks', ['-t', 'ext4', '-O', 'sparse_super2,^resize_inode,metadata_csum_seed']],
    ['ext4 with blocks of 64 KiB', ['-F', '-t', 'ext4', '-b', '65536']],
  ])('is kept in every entry, from %s', async (_, options) => {
    await format('disk', ...options);
    expect(await layerDigest('disk')).toBe(await digestOf('tree'));
  });

  test('gives the same archive each time, that our inspection takes', async () => {
    await format('disk', '-t', 'ext4');
    const disk = await readFile(path('disk'));
    const first = await convert(disk);
    expect(first.facts).toMatchObject({
      os: 'linux',
      architecture: 'amd64',
      layers: 1,
      repoTags: [],
      config: { Cmd: ['/bin/sh'] },
    });
    expect((await convert(disk)).facts).toEqual(first.facts);
  });

  /** Blocks of 4 KiB in which two disks differ. */
  const changedBlocks = async (one: string, other: string) => {
    const [before, after] = [await readFile(path(one)), await readFile(path(other))];
    return Array.from({ length: after.length / 4096 }, (_, number) => number).filter(
      (number) => before.compare(after, number * 4096, (number + 1) * 4096, number * 4096, (number + 1) * 4096) !== 0,
    );
  };

  test.each([
    ['without checksums', ['-O', '^metadata_csum'], 'jo'],
    ['of 32 bits', ['-O', '^metadata_csum,^64bit'], 'jo'],
    ['with checksums', [], 'jo -c'],
    ['with checksums of the second version', [], 'jo -c -v 2'],
  ])('that was running is read as a mount would show it, from a journal %s', async (_, options, open) => {
    await format('disk', '-t', 'ext4', '-b', '4096', ...options);
    await copyFile(path('disk'), path('after'));
    await writeFile(path('new'), Buffer.concat([Buffer.from('c03b3998', 'hex'), Buffer.alloc(70_000, 'new')]));
    await debugfs(
      'after',
      'rm /files/large',
      'mkdir /files/folder',
      `write ${path('new')} /files/folder/new`,
      'sif /files/small mode 0100600',
    );
    const numbers = await changedBlocks('disk', 'after');
    const after = await readFile(path('after'));
    await writeFile(path('blocks'), Buffer.concat(numbers.map((number) => after.subarray(number * 4096, (number + 1) * 4096))));
    await writeFile(path('garbage'), Buffer.alloc(4096, 7));

    const reused =
      /\((\d+)\)|:(\d+)/.exec(await debugfs('disk', 'blocks /files/noted'))?.[1] ??
      (await debugfs('disk', 'bmap /files/noted 0')).match(/^\d+$/m)![0];
    await debugfs(
      'disk',
      open,
      `jw -b ${reused} ${path('garbage')}`,
      `jw -r ${reused} /dev/null`,
      `jw -b ${numbers.join(',')} ${path('blocks')}`,
      'jc',
    );
    await copyFile(path('disk'), path('unfinished'));
    const expected = await layerDigest('after');
    expect(await layerDigest('disk')).toBe(expected);
    expect(expected).not.toBe(await digestOf('tree'));
    const { lines } = await convert(await readFile(path('disk')));
    expect(lines).toContainEqual(expect.stringContaining('taken from a running system'));
  });
});
