import { describe, expect, test } from '@jest/globals';
import { encodeTarEntry, type NewTarEntry } from './tar.encoder.js';
import { TarParser } from './tar.parser.js';

const PLAIN: NewTarEntry = { type: 'file', name: 'a', mode: 0o4755, uid: 1, gid: 2, mtime: { seconds: 3, nanoseconds: 0 } };
const headerOf = (entry: Partial<NewTarEntry>) => {
  const [piece] = new TarParser('open').push(encodeTarEntry({ ...PLAIN, ...entry }));
  return piece!.kind === 'entry' ? piece!.header : undefined;
};
const recordsOf = (entry: Partial<NewTarEntry>) => encodeTarEntry({ ...PLAIN, ...entry }).toString('latin1', 512);

describe('a tar entry that is written', () => {
  test('is one block where everything fits', () => {
    expect(encodeTarEntry({ ...PLAIN, size: 77 })).toHaveLength(512);
    expect(headerOf({ size: 77 })).toMatchObject({ name: 'a', size: 77, type: 'file', mode: 0o4755, mtime: 3 });
  });

  test.each<[string, Partial<NewTarEntry>]>([
    ['a long name', { name: 'n'.repeat(300) }],
    ['a long link', { type: 'symlink', linkname: 'l'.repeat(300) }],
    ['a size of terabytes', { size: 2 ** 43 }],
    ['a folder', { type: 'directory', name: 'folder/' }],
  ])('is read again with %s', (_, entry) => {
    expect(headerOf(entry)).toMatchObject(entry);
  });

  test('keeps the bytes of names that are no text, and of attributes', () => {
    const value = Buffer.from([0, 10, 255, 61]);
    expect(recordsOf({ name: '\xff\xfe' })).toContain('11 path=\xff\xfe\n');
    expect(recordsOf({ attributes: [{ name: 'user.x', value }] })).toContain(
      `28 SCHILY.xattr.user.x=${value.toString('latin1')}\n`,
    );
  });

  test('keeps owners beyond two millions', () => {
    expect(recordsOf({ uid: 3_000_000_000 })).toContain('18 uid=3000000000\n');
  });

  test.each([
    [{ seconds: 5, nanoseconds: 1 }, 'mtime=5.000000001'],
    [{ seconds: 5, nanoseconds: 500_000_000 }, 'mtime=5.5'],
    [{ seconds: -1, nanoseconds: 500_000_000 }, 'mtime=-0.5'],
    [{ seconds: -5, nanoseconds: 0 }, 'mtime=-5'],
    [{ seconds: 8 ** 11, nanoseconds: 0 }, 'mtime=8589934592'],
  ])('keeps the time %j', (mtime, record) => {
    expect(recordsOf({ mtime })).toContain(`${record}\n`);
  });
});
