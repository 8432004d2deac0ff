import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BlobCalls, ImageCalls } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { IMAGE_ID } from './fixtures.js';
import { RawConnection } from './raw-connection.js';
import { BASIC, TestGateway } from './test-gateway.js';

const PATH = `/v1/image/${IMAGE_ID}/file`;
const CONTENT = randomBytes(3_000_000);

describe('downloadImage', () => {
  let gateway: TestGateway;
  let digest: string;
  let etag: string;

  beforeAll(async () => {
    gateway = await TestGateway.start();
    await using staged = await gateway.blobs.stage({ writer: `upload-${IMAGE_ID}` });
    staged.end(CONTENT);
    ({ digest } = await staged.commit());
    etag = `"${digest}"`;
    const content = { digest, size: CONTENT.length, contentType: 'docker-image' as const, title: 'Bücher' };
    gateway.answer(ImageCalls.openContent, ({ imageId }) => {
      if (imageId === IMAGE_ID) return content;
      throw new ViceError('IMAGE_HAS_NO_CONTENT', 'nothing was uploaded or imported yet');
    });
  });
  beforeEach(() => void gateway.asked.splice(0));
  afterAll(() => gateway[Symbol.asyncDispose]());

  async function expectUnpinned(): Promise<void> {
    const pinned = gateway.askedOf(ImageCalls.openContent).map(({ holder }) => holder);
    const released = () => gateway.askedOf(BlobCalls.releaseHold).map(({ holder }) => holder);
    await until(() => pinned.every((holder) => released().includes(holder)), { what: 'every pin is released' });
  }

  it('sends all of it, with what proves it', async () => {
    const answer = await gateway.ask(PATH);
    expect(answer.status).toBe(200);
    expect(Buffer.compare(answer.body, CONTENT)).toBe(0);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(CONTENT.length),
      'accept-ranges': 'bytes',
      etag,
      'repr-digest': `sha-256=:${Buffer.from(digest.slice(7), 'hex').toString('base64')}:`,
      'content-disposition': `attachment; filename="Bucher.tar"; filename*=UTF-8''B%C3%BCcher.tar`,
    });
    await expectUnpinned();
  });

  it.each([
    ['bytes=0-9', 0, 9],
    ['bytes=2999990-', 2_999_990, 2_999_999],
    ['bytes=-5', 2_999_995, 2_999_999],
    ['bytes=1000-9999999', 1000, 2_999_999],
  ])('sends %s', async (range, start, end) => {
    const answer = await gateway.ask(PATH, { headers: { range } });
    expect(answer.status).toBe(206);
    expect(answer.headers).toMatchObject({
      'content-range': `bytes ${start}-${end}/${CONTENT.length}`,
      'content-length': String(end - start + 1),
      etag,
    });
    expect(Buffer.compare(answer.body, CONTENT.subarray(start, end + 1))).toBe(0);
    await expectUnpinned();
  });

  it.each([
    ['an outdated If-Range', { range: 'bytes=0-9', 'if-range': '"sha256:old"' }, 200, CONTENT.length],
    ['If-Range by date', { range: 'bytes=0-9', 'if-range': 'Sat, 31 Jan 2026 12:00:00 GMT' }, 200, CONTENT.length],
    ['several ranges', { range: 'bytes=0-9,20-29' }, 200, CONTENT.length],
    ['another If-None-Match', { 'if-none-match': '"x"' }, 200, CONTENT.length],
    ['application/octet', { accept: 'application/octet' }, 200, CONTENT.length],
    ['anything', { accept: '*/*' }, 200, CONTENT.length],
  ])('%s', async (_, headers: Record<string, string>, status, length) => {
    const answer = await gateway.ask(PATH, { headers });
    expect([answer.status, answer.body.length]).toEqual([status, length]);
    expect(answer.headers['content-type']).toBe(
      headers['accept'] === 'application/octet' ? 'application/octet' : 'application/octet-stream',
    );
    await expectUnpinned();
  });

  it('sends a range while If-Range holds', async () => {
    expect((await gateway.ask(PATH, { headers: { range: 'bytes=0-9', 'if-range': etag } })).status).toBe(206);
  });

  it.each([() => etag, () => `W/${etag}, "x"`, () => '*'])('304 for what the client has', async (tag) => {
    const answer = await gateway.ask(PATH, { headers: { 'if-none-match': tag() } });
    expect(answer).toMatchObject({ status: 304, text: '', headers: { etag } });
    await expectUnpinned();
  });

  it('412 where the content is not what If-Match names, and the bytes where it is', async () => {
    const answer = await gateway.ask(PATH, { headers: { 'if-match': '"sha256:old"', range: 'bytes=0-9' } });
    expect(answer).toMatchObject({ status: 412, headers: { etag } });
    expect(answer.json()).toMatchObject({ code: 'PRECONDITION_FAILED' });
    expect((await gateway.ask(PATH, { headers: { 'if-match': `"x", ${etag}`, range: 'bytes=0-9' } })).status).toBe(206);
    await expectUnpinned();
  });

  it('416 outside', async () => {
    const answer = await gateway.ask(PATH, { headers: { range: 'bytes=3000000-' } });
    expect(answer).toMatchObject({ status: 416, headers: { 'content-range': `bytes */${CONTENT.length}` } });
    expect(answer.json()).toMatchObject({ code: 'RANGE_NOT_SATISFIABLE' });
    await expectUnpinned();
  });

  it('406 for another form', async () => {
    expect((await gateway.ask(PATH, { headers: { accept: 'application/json' } })).status).toBe(406);
  });

  it('HEAD tells the same and sends nothing', async () => {
    const answer = await gateway.ask(PATH, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect(answer).toMatchObject({ status: 200, text: '', headers: { 'content-length': String(CONTENT.length), etag } });
    await expectUnpinned();
  });

  it('404 before there is content', async () => {
    const answer = await gateway.ask(PATH.replace(IMAGE_ID, IMAGE_ID.replace('0', '1')));
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'IMAGE_HAS_NO_CONTENT' });
  });

  it('lets go of the blob when the client goes away', async () => {
    const connection = await RawConnection.open(gateway.url);
    connection.socket.pause();
    connection.send(`GET ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${BASIC}\r\n\r\n`);
    await until(() => gateway.askedOf(ImageCalls.openContent).length === 1, { what: 'the blob is pinned' });
    connection.socket.destroy();
    await expectUnpinned();
  });
});
