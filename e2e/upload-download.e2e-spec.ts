import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Image, type Problem } from '#libs/contracts';
import { until } from '#libs/testing';
import {
  BUILD_CONTEXT,
  buildDockerArchive,
  buildQcow2,
  buildTar,
  buildVmdk,
  DOCKERFILE,
  PACKER_HCL,
  vmdkDescriptor,
} from '#libs/testing/images';
import { expectStatus, type ViceClient } from './client.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const MIB = 1024 * 1024;
const MAX_IMAGE = 64 * MIB;

await inBothWays('uploads and downloads', [], (way) => {
  let vice: Vice;
  let ada: ViceClient;

  beforeAll(async () => {
    vice = await startVice(way, { env: { VICE_MAX_IMAGE_BYTES: String(MAX_IMAGE) } });
    ada = await vice.newUser();
  }, 120_000);
  afterAll(async () => vice?.[Symbol.asyncDispose](), 60_000);

  describe('what is sound', () => {
    test.each<[contenttype: string, what: string, content: Buffer]>([
      ['disk-raw', 'a raw disk', randomBytes(MIB)],
      ['disk-qcow2', 'a qcow2 disk', buildQcow2()],
      ['disk-vmdk', 'a VMDK', buildVmdk()],
      ['disk-vmdk', 'a streamed VMDK', buildVmdk({ kind: 'streamOptimized' })],
      ['docker-image', 'an archive of Docker 20.10', buildDockerArchive({ layout: 'docker-20' })],
      ['docker-image', 'an archive of Docker 26', buildDockerArchive({ layout: 'docker-26' })],
      ['docker-image', 'an archive of the containerd store', buildDockerArchive({ layout: 'containerd' })],
      ['docker-file', 'a Dockerfile', Buffer.from(DOCKERFILE)],
      ['docker-file', 'a build context', BUILD_CONTEXT],
      ['packerfile', 'a Packer template', Buffer.from(PACKER_HCL)],
    ])('%s: %s passes, named or found out, and comes back byte for byte', async (contenttype, _, content) => {
      const [named, found] = await Promise.all([ada.uploadedImage(content, { contenttype }), ada.uploadedImage(content)]);
      const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      for (const image of [named, found])
        expect(image).toMatchObject({ contenttype, digest, size: content.length, imported: true });
      const download = await ada.download(named.id, { accept: 'application/octet' });
      expect(Buffer.from(await download.arrayBuffer()).equals(content)).toBe(true);
    });
  });

  test('the same new bytes come to eight images at once', async () => {
    const content = randomBytes(MIB);
    const images = await Promise.all(Array.from({ length: 8 }, () => ada.uploadedImage(content, { contenttype: 'disk-raw' })));
    for (const image of images) expect(image).toMatchObject({ imported: true, size: content.length });
  });

  describe('what is not', () => {
    const backing = buildQcow2({
      edit: ({ header }) => {
        header.writeBigUInt64BE(1024n, 8);
        header.writeUInt32BE(11, 16);
        header.write('/etc/passwd', 1024);
      },
    });
    const foreignExtent = Buffer.from(vmdkDescriptor({ createType: 'monolithicFlat', extent: 'RW 2048 FLAT "/etc/passwd" 0' }));
    const archive = buildDockerArchive();
    const traversal = buildDockerArchive({ edit: (members) => [...members, { name: '../../etc/cron.d/x', content: 'x' }] });

    test.each<[what: string, contenttype: string, content: Buffer, code: string, reason: RegExp]>([
      ['a backing file', 'disk-qcow2', backing, 'CONTENT_REFUSED', /backing file/],
      ['a truncated qcow2', 'disk-qcow2', buildQcow2({ length: 200 * 1024 }), 'CONTENT_TRUNCATED', /end|truncat|short/],
      ['an extent elsewhere', 'disk-vmdk', foreignExtent, 'CONTENT_REFUSED', /other files/],
      ['a path out of the archive', 'docker-image', traversal, 'CONTENT_REFUSED', /\.\.\/\.\.\/etc\/cron\.d\/x/],
      ['half an archive', 'docker-image', archive.subarray(0, archive.length / 2), 'CONTENT_TRUNCATED', /end|truncat|short/],
      ['a tar that is no image', 'docker-image', buildTar([{ name: 'x', content: 'x' }]), 'CONTENT_INVALID', /manifest/],
      ['a qcow2 called a VMDK', 'disk-vmdk', buildQcow2(), 'CONTENT_INVALID', /VMDK|vmdk/],
    ])('%s is refused; the job names the reason, and the image has no content', async (_, contenttype, content, code, reason) => {
      const { id } = await ada.createImage({ contenttype });
      expectStatus(200, await ada.upload(id, content));
      expect(await ada.settledImage(id)).toMatchObject({ status: 'failed', imported: false, digest: null, size: null });
      const [job] = await ada.imageJobs(id);
      expect(job).toMatchObject({ kind: 'store', state: 'failed', error: { code, message: expect.stringMatching(reason) } });
      expect((await ada.download(id)).status).toBe(404);
    });

    test.each<[what: string, form: () => FormData]>([
      ['no upfile', () => formWith('other', new Blob(['x']))],
      ['an empty upfile', () => formWith('upfile', new Blob([]))],
      ['an upfile that is too large', () => formWith('upfile', new Blob([new Uint8Array(MAX_IMAGE + 1)]))],
    ])('%s is a bad request', async (_, form) => {
      const { id } = await ada.createImage();
      expect(await ada.request('POST', `/image/${id}/file`, { form: form() })).toMatchObject({ status: 400 });
      expect(await ada.image(id)).toMatchObject({ status: 'empty' });
    });

    test('what is no form, or a broken one, is refused', async () => {
      const { id } = await ada.createImage();
      const path = `/image/${id}/file`;
      expect((await ada.request('POST', path, { json: {} })).status).toBe(415);
      expect(
        (await ada.request('POST', path, { xml: 'x', headers: { 'content-type': 'multipart/form-data; boundary=b' } })).status,
      ).toBe(400);
    });
  });

  test('what was there stays until what comes after it has passed', async () => {
    const [former, later] = [randomBytes(MIB), randomBytes(MIB)];
    const image = await ada.uploadedImage(former, { contenttype: 'disk-raw' });
    expectStatus(201, await ada.put('/images', { id: image.id, contenttype: 'disk-qcow2' }));
    expectStatus(200, await ada.upload(image.id, later));
    await ada.settledImage(image.id);
    expect(Buffer.from(await (await ada.download(image.id)).arrayBuffer()).equals(former)).toBe(true);
    expectStatus(201, await ada.put('/images', { id: image.id, contenttype: 'disk-raw' }));
    expectStatus(200, await ada.upload(image.id, later));
    expect(await ada.settledImage(image.id)).toMatchObject({ status: 'ready' });
    expect(Buffer.from(await (await ada.download(image.id)).arrayBuffer()).equals(later)).toBe(true);
  });

  describe('a download', () => {
    const content = randomBytes(3 * MIB);
    let image: Image;
    let etag: string;
    const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

    beforeAll(async () => {
      image = await ada.uploadedImage(content, { title: 'Grüße/../disk', contenttype: 'disk-raw' });
      etag = `"${image.digest}"`;
    }, 60_000);

    test('tells what it is', async () => {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ada.download(image.id, {}, method);
        expect(answer.status).toBe(200);
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          'content-type': 'application/octet-stream',
          'content-length': String(content.length),
          'accept-ranges': 'bytes',
          etag,
          'repr-digest': `sha-256=:${createHash('sha256').update(content).digest('base64')}:`,
          'content-disposition': expect.stringMatching(/^attachment; filename="[^"/\\]*\.(raw|img)"/),
        });
        expect((await bytesOf(answer)).length).toBe(method === 'GET' ? content.length : 0);
      }
    });

    test.each<[headers: Record<string, string>, status: number, start: number, end: number]>([
      [{ range: 'bytes=0-9' }, 206, 0, 10],
      [{ range: 'bytes=1048570-1048580' }, 206, 1_048_570, 1_048_581],
      [{ range: 'bytes=-5' }, 206, 3 * MIB - 5, 3 * MIB],
      [{ range: 'bytes=3145000-' }, 206, 3_145_000, 3 * MIB],
      [{ range: 'bytes=0-9', 'if-range': 'etag' }, 206, 0, 10],
      [{ range: 'bytes=0-9', 'if-range': '"another"' }, 200, 0, 3 * MIB],
    ])('asked with %j is answered with %d', async (headers, status, start, end) => {
      const answer = await ada.download(image.id, { ...headers, ...(headers['if-range'] === 'etag' && { 'if-range': etag }) });
      expect(answer.status).toBe(status);
      if (status === 206) expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${content.length}`);
      expect((await bytesOf(answer)).equals(content.subarray(start, end))).toBe(true);
    });

    test('that brings nothing new is 304; outside of it 416; in no form of ours 406', async () => {
      expect((await ada.download(image.id, { 'if-none-match': `"x", ${etag}` })).status).toBe(304);
      const outside = await ada.download(image.id, { range: `bytes=${content.length}-` });
      expect([outside.status, outside.headers.get('content-range')]).toEqual([416, `bytes */${content.length}`]);
      expect((await ada.download(image.id, { accept: 'application/json' })).status).toBe(406);
    });
  });

  test('eight uploads at once arrive whole', async () => {
    const contents = Array.from({ length: 8 }, () => randomBytes(8 * MIB));
    const images = await Promise.all(contents.map((content) => ada.uploadedImage(content, { contenttype: 'disk-raw' })));
    expect(images.map(({ digest }) => digest)).toEqual(
      contents.map((content) => `sha256:${createHash('sha256').update(content).digest('hex')}`),
    );
  }, 60_000);

  test('a client that goes away in the middle leaves nothing behind', async () => {
    const { id } = await ada.createImage();
    const upload = httpRequest(`${vice.url}/v1/image/${id}/file`, {
      method: 'POST',
      headers: { ...ada.authorization(), 'content-type': 'multipart/form-data; boundary=b', 'content-length': 32 * MIB },
    }).on('error', () => undefined);
    upload.write('--b\r\ncontent-disposition: form-data; name="upfile"; filename="x"\r\n\r\n');
    upload.write(randomBytes(4 * MIB));
    const staged = () => readdir(join(vice.blobs, 'staging'));
    await until(async () => (await staged()).length > 0, { what: 'the upload is under way' });
    upload.destroy();
    await until(async () => (await staged()).length === 0, { what: 'nothing is staged any more' });
    expect(await ada.image(id)).toMatchObject({ status: 'empty', size: null });
  });

  test('content that no image refers to any more is collected, and only that', async () => {
    const content = randomBytes(MIB);
    const [kept, deleted, alone] = [
      await ada.uploadedImage(content),
      await ada.uploadedImage(content),
      await ada.uploadedImage(randomBytes(MIB)),
    ];
    const stored = (image: Image) =>
      readdir(join(vice.blobs, 'blobs/sha256', image.digest?.slice(7, 9) ?? '')).then((names) =>
        names.includes(image.digest?.slice(7) ?? ''),
      );
    expect(await stored(alone)).toBe(true);
    for (const { id } of [deleted, alone]) expectStatus(200, await ada.delete(`/image/${id}`));
    await until(async () => !(await stored(alone)), { what: 'the content without an image is gone', timeout: 30_000 });
    expect(Buffer.from(await (await ada.download(kept.id)).arrayBuffer()).equals(content)).toBe(true);
    expect(expectStatus(404, await ada.get<Problem>(`/image/${alone.id}/file`)).code).toBe('IMAGE_NOT_FOUND');
  }, 60_000);
});

function formWith(name: string, content: Blob): FormData {
  const form = new FormData();
  form.set(name, content, 'file');
  return form;
}
