import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { BUILD_CONTEXT, buildTar, DOCKERFILE, inMemory, type TarMember } from '#libs/testing/images';
import { inspectFacts } from '../inspect.js';

const look = (content: Buffer | string) => inspectFacts(inMemory(content, { chunk: 700 }), 'docker-file');
const context = (...members: TarMember[]) => buildTar([...members, { name: 'Dockerfile', content: 'FROM scratch' }]);

describe('a Dockerfile', () => {
  test.each<[string, string, string]>([
    ['with comments, ARG and a continued FROM', DOCKERFILE, 'debian:${RELEASE}'],
    ['of one line', 'from scratch', 'scratch'],
    ['with Windows line ends and a byte order mark', '\ufeff# x\r\n\r\nFROM a\r\n', 'a'],
    ['with its own escape character', '# escape=`\nFROM `\n  b', 'b'],
  ])('%s is described', async (_, text, baseImage) => {
    expect(await look(text)).toEqual({ contentType: 'docker-file', facts: { form: 'text', baseImage } });
  });

  test.each<[string, string | Buffer, string]>([
    ['without FROM', '# nothing\nARG x', 'has no FROM'],
    ['that begins otherwise', 'RUN true\nFROM a', '"RUN"'],
    ['whose FROM names nothing', 'FROM --platform=x', 'names no image'],
    ['that is an error page', '<!DOCTYPE html><html>', 'begins with'],
    ['that turns binary', Buffer.concat([Buffer.from('FROM a\n'.padEnd(5000, '#')), Buffer.from([0xff, 0])]), 'not text'],
  ])('%s is invalid', async (_, text, message) => {
    await expect(look(text)).rejects.toMatchObject({ code: 'CONTENT_INVALID', message: expect.stringContaining(message) });
  });

  test('of more than 1 MiB is refused', async () => {
    await expect(look(`FROM a\n${'# x\n'.repeat(2 ** 18)}`)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });
});

describe('a build context', () => {
  test.each([false, true])('is described (gzip: %s)', async (gzip) => {
    const content = gzip ? gzipSync(BUILD_CONTEXT) : BUILD_CONTEXT;
    expect((await look(content)).facts).toEqual({ form: 'context', baseImage: 'debian:${RELEASE}', entries: 6 });
  });

  test.each<[string, Buffer]>([
    ['a path out of it', context({ name: '../evil', content: 'x' })],
    ['a hard link out of it', context({ name: 'a', flag: '1', linkname: '../../etc/passwd' })],
    ['a symbolic link that climbs out of it', context({ name: 'a/b', flag: '2', linkname: '../../etc/passwd' })],
    ['a device', context({ name: 'sda', flag: '4' })],
    ['two Dockerfiles', context({ name: './Dockerfile', content: 'FROM evil' })],
    ['a link for a Dockerfile', buildTar([{ name: 'Dockerfile', flag: '2', linkname: 'other' }])],
  ])('with %s is refused', async (_, archive) => {
    await expect(look(archive)).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test.each<[string, Buffer]>([
    ['no Dockerfile', buildTar([{ name: 'a/Dockerfile', content: 'FROM a' }])],
    ['a Dockerfile that is none', buildTar([{ name: 'Dockerfile', content: 'hello' }])],
    ['a binary Dockerfile', buildTar([{ name: 'Dockerfile', content: Buffer.from([0, 1, 2]) }])],
  ])('with %s is invalid', async (_, archive) => {
    await expect(look(archive)).rejects.toMatchObject({ code: 'CONTENT_INVALID' });
  });

  test.each([false, true])('that is cut is truncated (gzip: %s)', async (gzip) => {
    const whole = gzip ? gzipSync(BUILD_CONTEXT) : BUILD_CONTEXT;
    await expect(look(whole.subarray(0, whole.length - (gzip ? 5 : 1024)))).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });
});
