import { describe, expect, test } from '@jest/globals';
import { extract } from 'tar-stream';
import { buildTar, type TarMember } from '#libs/testing/images';
import { TarParser, type TarPiece } from './tar.parser.js';
import { type TarHeader } from './tar.header.js';

function parse(tar: Buffer, { chunk = 512, closing = 'closed' as 'closed' | 'open' } = {}) {
  const parser = new TarParser(closing);
  const pieces: TarPiece[] = [];
  for (let at = 0; at < tar.length; at += chunk) pieces.push(...parser.push(tar.subarray(at, at + chunk)));
  parser.finish();
  const headers = pieces.flatMap((piece) => (piece.kind === 'entry' ? [piece.header] : []));
  const of = (kind: TarPiece['kind']) => Buffer.concat(pieces.filter((piece) => piece.kind === kind).map((piece) => piece.bytes));
  return { headers, all: Buffer.concat(pieces.map((piece) => piece.bytes)), body: of('body') };
}

const pax = (...records: string[]): TarMember => {
  const content = records.map((record) => {
    for (let length = record.length; ; length++) {
      const line = `${length} ${record}\n`;
      if (Buffer.byteLength(line) === length) return line;
    }
  });
  return { name: 'pax', flag: 'x', content: content.join('') };
};
const LONG = `${'deep/'.repeat(60)}name`;

const MEMBERS: TarMember[] = [
  { name: 'folder/', flag: '5' },
  { name: 'folder/empty' },
  { name: 'folder/file', content: 'x'.repeat(1300) },
  { name: 'link', flag: '2', linkname: 'folder/file' },
  { name: '././@LongLink', flag: 'L', content: `${LONG}\0` },
  { name: 'cut', content: 'long' },
  pax(`path=${LONG}x`, 'mtime=1.5'),
  { name: 'cut', content: 'pax' },
];

describe('a tar archive', () => {
  test.each([1, 7, 511, 512, 513, 100_000])(
    'is read alike in chunks of %i bytes, and its pieces are the archive again',
    (chunk) => {
      const tar = buildTar(MEMBERS);
      const { headers, all, body } = parse(tar, { chunk });
      expect(all.equals(tar)).toBe(true);
      expect(headers.map(({ name }) => name)).toEqual(['folder/', 'folder/empty', 'folder/file', 'link', LONG, `${LONG}x`]);
      expect(body.toString()).toBe(`${'x'.repeat(1300)}longpax`);
    },
  );

  test('is read as tar-stream reads it', async () => {
    const tar = buildTar(MEMBERS);
    const theirs: Partial<TarHeader>[] = [];
    const reader = extract();
    reader.end(tar);
    for await (const entry of reader) {
      theirs.push({ name: entry.header.name, size: entry.header.size ?? 0, type: entry.header.type as TarHeader['type'] });
      entry.resume();
    }
    expect(parse(tar).headers.map(({ name, size, type }) => ({ name, size, type }))).toEqual(theirs);
  });

  test('may have blocks of sparse map between header and body', () => {
    const tar = buildTar([
      { name: 'sparse', flag: 'S', content: Buffer.concat([Buffer.alloc(512), Buffer.from('data')]) },
      { name: 'next' },
    ]);
    tar[482] = 1;
    tar.write('00000000004\0', 124);
    tar.write(checksum(tar.subarray(0, 512)), 148);
    expect(parse(tar)).toMatchObject({ headers: [{ name: 'sparse', size: 4 }, { name: 'next' }], body: Buffer.from('data') });
  });

  test.each<[string, Buffer]>([
    ['a negative size', buildTar([{ name: 'a', rawSize: Buffer.alloc(12, 0xff) }])],
    [
      'a size beyond all numbers',
      buildTar([{ name: 'a', rawSize: Buffer.concat([Buffer.from([0x80]), Buffer.alloc(11, 0xff)]) }]),
    ],
    ['a size that is no number', buildTar([{ name: 'a', rawSize: Buffer.from('-0000000001\0') }])],
    ['a negative size in its pax records', buildTar([pax('size=-1'), { name: 'a' }])],
    ['damaged pax records', buildTar([{ name: 'pax', flag: 'x', content: '999 path=a\n' }, { name: 'a' }])],
    ['a zero byte in a pax name', buildTar([pax('path=a\0b'), { name: 'a' }])],
    ['two names for one entry', buildTar([pax('path=a'), { name: 'L', flag: 'L', content: 'b' }, { name: 'c' }])],
    ['a global header that renames', buildTar([{ ...pax('path=a'), flag: 'g' }, { name: 'c' }])],
    ['entries after its end', Buffer.concat([buildTar([{ name: 'a' }], { closing: 1 }), buildTar([{ name: 'b' }])])],
    ['another file behind it', Buffer.concat([buildTar([{ name: 'a' }]), Buffer.alloc(512), Buffer.from('QFI\xfb')])],
    ['a wrong checksum', Buffer.concat([buildTar([{ name: 'a' }], { closing: 0 }), Buffer.alloc(512, 1)])],
    ['nothing of a tar', Buffer.alloc(1024, 7)],
  ])('with %s is invalid', (_, tar) => {
    expect(() => parse(tar)).toThrow(expect.objectContaining({ code: 'CONTENT_INVALID' }));
  });

  test('truncated anywhere before its closing zeros is found to be so', () => {
    const tar = buildTar(MEMBERS);
    const end = tar.length - 1024;
    for (let length = 1; length < end + 512; length += 37) {
      expect(() => parse(tar.subarray(0, length))).toThrow(expect.objectContaining({ code: 'CONTENT_TRUNCATED' }));
    }
    expect(() => parse(tar.subarray(0, end))).toThrow('without its closing zeros');
    expect(parse(tar.subarray(0, end + 512)).headers).toHaveLength(6);
    expect(parse(tar.subarray(0, end), { closing: 'open' }).headers).toHaveLength(6);
  });

  test('with a size of several gigabytes in base 256 is read on', () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size.writeBigUInt64BE(2n ** 40n, 4);
    const [piece] = new TarParser('closed').push(buildTar([{ name: 'a', rawSize: size }]));
    expect(piece).toMatchObject({ kind: 'entry', header: { size: 2 ** 40 } });
  });
});

function checksum(block: Buffer): string {
  const copy = Buffer.from(block).fill(0x20, 148, 156);
  return `${copy
    .reduce((sum, byte) => sum + byte, 0)
    .toString(8)
    .padStart(6, '0')}\0 `;
}
