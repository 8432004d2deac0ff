import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { buildTar, type TarMember } from '#libs/testing/images';
import { readTar } from '../../tar/tar.reader.js';
import { flatten } from './flatten.js';

const layersOf = (...layers: TarMember[][]) => ({
  layers: layers.map((members) => () => Readable.from([buildTar(members)]) as AsyncIterable<Buffer>),
});

/** What the merged archive holds, by path: a file's content, `-> target`, `= hard link`, or `/` for a folder. */
async function merged(...layers: TarMember[][]): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const flat = await flatten(layersOf(...layers));
  for await (const { header, body } of readTar(flat.tar())) {
    const content = Buffer.concat(await Readable.from(body).toArray()).toString();
    const shown = { symlink: `-> ${header.linkname}`, link: `= ${header.linkname}`, directory: '/' }[header.type as string];
    files[header.name] = shown ?? (header.type === 'file' ? content : header.type);
  }
  delete files['./'];
  return files;
}

const file = (name: string, content = name): TarMember => ({ name, content });
const folder = (name: string): TarMember => ({ name: `${name}/`, flag: '5', mode: 0o755 });
const symlink = (name: string, linkname: string): TarMember => ({ name, flag: '2', linkname });
const link = (name: string, linkname: string): TarMember => ({ name, flag: '1', linkname });
/** Links, each to a path of folders below the one before. */
const chained = (nameLength: number, links: number, levels: number): TarMember[] =>
  Array.from({ length: links }, (_, at) => {
    const target = Array.from({ length: levels }, () => 'x'.repeat(nameLength)).join('/');
    return [pax(['linkpath', at === 0 ? target : `k${at - 1}/${target}`]), symlink(`k${at}`, ''), folder(`k${at}/y`)];
  }).flat();
const pax = (...records: [string, string][]): TarMember => ({
  name: 'pax',
  flag: 'x',
  content: records
    .map(([key, value]) => {
      const rest = Buffer.byteLength(` ${key}=${value}\n`);
      const length = [2, 3, 4].find((digits) => String(rest + digits).length === digits)! + rest;
      return `${length} ${key}=${value}\n`;
    })
    .join(''),
});

describe('layers become one tree', () => {
  test('in which later ones win, and folders come first', async () => {
    const files = await merged([file('a/b', 'old'), file('c')], [file('a/b', 'new'), folder('a')]);
    expect(files).toEqual({ 'a/': '/', 'a/b': 'new', c: 'c' });
    expect(Object.keys(files)).toEqual(['a/', 'c', 'a/b']);
  });

  test.each<[string, TarMember[][], Record<string, string>]>([
    ['a deleted file is gone', [[file('a'), file('b')], [file('.wh.a')]], { b: 'b' }],
    ['a deleted folder is gone with all in it', [[file('a/b/c'), file('d')], [file('.wh.a')]], { d: 'd' }],
    ['a deletion spares what its own layer brings', [[file('a/x')], [file('a/y'), file('.wh.a')]], { 'a/': '/', 'a/y': 'a/y' }],
    [
      'an opaque folder hides what was in it',
      [[file('a/x')], [folder('a'), file('a/.wh..wh..opq'), file('a/y')]],
      { 'a/': '/', 'a/y': 'a/y' },
    ],
    [
      'also where the mark comes last',
      [[file('a/x')], [folder('a'), file('a/y'), file('a/.wh..wh..opq')]],
      { 'a/': '/', 'a/y': 'a/y' },
    ],
    ['a deletion of nothing is nothing', [[file('a')], [file('x/y/.wh.z')]], { a: 'a' }],
    ['what AUFS leaves is left out', [[file('.wh..wh.plnk'), file('a')]], { a: 'a' }],
    ['a folder replaces a file', [[file('a')], [folder('a'), file('a/b')]], { 'a/': '/', 'a/b': 'a/b' }],
    ['also without an entry of its own', [[file('a')], [file('a/b')]], { 'a/': '/', 'a/b': 'a/b' }],
    ['a file replaces a folder', [[file('a/b/c')], [file('a')]], { a: 'a' }],
    [
      'a folder replaces a link to one',
      [
        [folder('b'), symlink('a', 'b')],
        [folder('a'), file('a/c')],
      ],
      { 'b/': '/', 'a/': '/', 'a/c': 'a/c' },
    ],
    ['a folder keeps what is in it', [[file('a/b')], [folder('a')]], { 'a/': '/', 'a/b': 'a/b' }],
    ['a deleted file can come back', [[file('a', '1')], [file('.wh.a')], [file('a', '3')]], { a: '3' }],
  ])('%s', async (_, layers, expected) => {
    expect(await merged(...layers)).toEqual(expected);
  });

  test('in which hard links outlive the names that they were made by', async () => {
    expect(await merged([file('a', 'one')], [link('b', 'a'), link('c', '/b')], [file('a', 'two')])).toEqual({
      ...{ b: 'one', c: '= b', a: 'two' },
    });
    expect(await merged([file('a', 'one'), link('b', 'a')], [file('.wh.a')])).toEqual({ b: 'one' });
    expect(await merged([file('a'), link('a', 'a')])).toEqual({ a: 'a' });
    expect(await merged([symlink('a', 'x'), link('b', 'a')])).toEqual({ a: '-> x', b: '= a' });
  });

  test('in which paths go through symbolic links as within a container', async () => {
    const bin = [folder('usr'), folder('usr/bin'), symlink('bin', 'usr/bin')];
    expect(await merged(bin, [file('bin/sh', 'x')])).toMatchObject({ bin: '-> usr/bin', 'usr/bin/sh': 'x' });
    expect(await merged([...bin, file('usr/bin/sh')], [file('bin/.wh.sh')])).not.toHaveProperty('usr/bin/sh');
    expect(await merged([symlink('out', '../../../../etc'), file('out/passwd')])).toEqual({
      ...{ 'etc/': '/', 'etc/passwd': 'out/passwd', out: '-> ../../../../etc' },
    });
    expect(await merged([symlink('out', '/etc'), file('out/passwd')])).toHaveProperty(['etc/passwd']);
  });

  test('with owners, modes, times, devices, long names and attributes as they were', async () => {
    const long = `${'deep/'.repeat(60)}ä`;
    const capability = '\x01\x00\x00\x02\x00\x04';
    const flat = await flatten(
      layersOf([
        pax(['path', long], ['uid', '3000000'], ['mtime', '1700000000.5'], ['SCHILY.xattr.security.capability', capability]),
        { name: 'cut', content: 'content', mode: 0o4755 },
        { name: 'null', flag: '3', mode: 0o666 },
      ]),
    );
    const headers = [];
    for await (const { header } of readTar(flat.tar())) if (header.type !== 'directory') headers.push(header);
    expect(headers).toMatchObject([
      {
        ...{ name: long, uid: 3_000_000, gid: 0, mode: 0o4755, mtime: 1_700_000_000, size: 7 },
        xattrs: new Map([['security.capability', Buffer.from(capability)]]),
      },
      { name: 'null', type: 'character-device', mode: 0o666 },
    ]);
  });

  test('whose size is known beforehand', async () => {
    const flat = await flatten(layersOf([file('a/b', 'x'.repeat(5000)), link('c', 'a/b'), file('d')], [file('.wh.d')]));
    expect(flat).toMatchObject({ inodes: 3, bytes: 2 * 4096 + 2 * 4096 });
  });

  test.each<[string, TarMember[][]]>([
    ['a path that leads out', [[file('../a')]]],
    ['a hard link to nothing', [[link('a', 'b')]]],
    ['a hard link to a folder', [[folder('b'), link('a', 'b')]]],
    ['a hard link that leads out', [[link('a', '../../etc/passwd')]]],
    ['a hard link to what is deleted', [[file('a')], [file('.wh.a')], [link('b', 'a')]]],
    ['a file below a file of its own layer', [[file('a'), file('a/b')]]],
    ['links that lead in a circle', [[symlink('a', 'b'), symlink('b', 'a'), file('a/c')]]],
    ['a symbolic link to a name that is not in UTF-8', [[symlink('a', 'caf\ufffd')]]],
    ['a sparse file', [[pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0']), file('a')]]],
    ['a name that is too long', [[pax(['path', 'x'.repeat(300)]), file('a')]]],
    ['a path that is too long', [[pax(['path', 'x/'.repeat(3000)]), file('a')]]],
    ['a tree that links make too deep', [chained(1, 6, 500), [file('.wh.x')]]],
    ['a path that links make too long', [chained(200, 6, 10)]],
  ])('%s is refused', async (_, layers) => {
    await expect(merged(...layers)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test('of whatever number, deletions that repeat themselves cost nothing', async () => {
    const many = Array.from({ length: 3000 }, (_, at) => file(`a/${at}`, ''));
    const again = Array.from({ length: 3000 }, () => file('a/.wh..wh..opq', ''));
    const files = await merged([file('a/old')], [...many, ...again]);
    expect(Object.keys(files)).toHaveLength(3001);
  });
});

test('what is to be left out of a tree is, be it a link', async () => {
  const paths = async (...members: TarMember[]) => {
    const flat = await flatten(layersOf(members), { leaveOut: ['.vice'] });
    const found: string[] = [];
    for await (const { header } of readTar(flat.tar())) found.push(header.name);
    return found;
  };
  expect(await paths(folder('.vice'), file('.vice/init'), file('a'))).toEqual(['./', 'a']);
  expect(await paths(folder('etc'), symlink('.vice', 'etc'), file('etc/b'))).toEqual(['./', 'etc/', 'etc/b']);
});
