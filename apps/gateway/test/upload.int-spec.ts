import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BlobCalls, ImageCalls } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { IMAGE_ID } from './fixtures.js';
import { RawConnection } from './raw-connection.js';
import { BASIC, TestGateway, type HttpAnswer } from './test-gateway.js';

const PATH = `/v1/image/${IMAGE_ID}/file`;
const BOUNDARY = '----------------------------vice0123456789';
const MAX_BYTES = 4 * 1024 * 1024;
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };

interface Part {
  name: string;
  content: string | Buffer;
  file?: boolean;
}

const part = ({ name, content, file = true }: Part): Buffer =>
  Buffer.concat([
    Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file ? '; filename="f"' : ''}\r\n`),
    Buffer.from(`${file ? 'Content-Type: application/octet-stream\r\n' : ''}\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
const form = (...parts: Part[]): Buffer => Buffer.concat([...parts.map(part), Buffer.from(`--${BOUNDARY}--\r\n`)]);
const upfile = (content: string | Buffer): Part => ({ name: 'upfile', content });
const digestOf = (bytes: string | Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

describe('uploadImage', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start({ VICE_MAX_IMAGE_BYTES: String(MAX_BYTES), VICE_LOG_LEVEL: 'info' });
  });
  beforeEach(() => {
    gateway.asked.splice(0);
    gateway.answer(ImageCalls.beginUpload, () => ({})).answer(ImageCalls.commitUpload, () => ({}));
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const upload = (body: Buffer, headers: Record<string, string> = FORM): Promise<HttpAnswer> =>
    gateway.ask(PATH, { method: 'POST', headers, body });
  const committed = () => gateway.askedOf(ImageCalls.commitUpload);

  async function expectNothingLeft(): Promise<void> {
    await until(async () => (await gateway.staged()).length === 0, { what: 'nothing is staged' });
    expect(committed()).toEqual([]);
    const reserved = gateway.askedOf(BlobCalls.reserveSpace).map(({ writer }) => writer);
    const released = () => gateway.askedOf(BlobCalls.releaseHold).map(({ holder }) => holder);
    await until(() => reserved.every((writer) => released().includes(writer)), { what: 'every hold is released' });
  }

  it.each([
    ['some bytes', Buffer.from('hello')],
    ['one byte', Buffer.from('x')],
    ['bytes that look like a boundary', Buffer.from(`\r\n--${BOUNDARY.slice(0, -1)}\r\n--${BOUNDARY}`.slice(0, -1))],
    ['line breaks at the end', Buffer.from('a\r\n\r\n')],
    ['as many as are allowed', randomBytes(MAX_BYTES)],
  ])('keeps %s, and has them inspected', async (_, content) => {
    const answer = await upload(form(upfile(content)));
    expect(answer).toMatchObject({ status: 200, text: '' });
    const [asked] = committed();
    expect(asked).toMatchObject({ imageId: IMAGE_ID, digest: digestOf(content), size: content.length });
    await using blob = await gateway.blobs.open(digestOf(content), { holder: 'download-test' });
    expect(Buffer.compare(await blob.read(0, blob.size), content)).toBe(0);
    const order = gateway.asked.map(({ name }) => name);
    expect(order.indexOf(ImageCalls.commitUpload.name)).toBeLessThan(order.indexOf(BlobCalls.releaseHold.name));
    expect(await gateway.staged()).toEqual([]);
  });

  it('finds upfile among other parts, with and without a file name', async () => {
    const others = [
      { name: 'comment', content: 'x', file: false },
      { name: 'other', content: 'y'.repeat(100_000) },
    ];
    expect((await upload(form(...others, upfile('hello'), { name: 'last', content: 'z' }))).status).toBe(200);
    expect(committed()[0]).toMatchObject({ digest: digestOf('hello') });
    expect((await upload(form({ name: 'upfile', content: 'text', file: false }))).status).toBe(200);
    expect(committed()[1]).toMatchObject({ digest: digestOf('text') });
  });

  it('takes a body of unknown length', async () => {
    const answer = await upload(form(upfile('hello')), { ...FORM, 'transfer-encoding': 'chunked' });
    expect(answer.status).toBe(200);
  });

  const whole = form(upfile('hello'));
  it.each([
    ['no part upfile', form({ name: 'file', content: 'x' }), FORM, 400],
    ['no part at all', Buffer.from(`--${BOUNDARY}--\r\n`), FORM, 400],
    ['an empty body', Buffer.alloc(0), FORM, 400],
    ['an empty upfile', form(upfile('')), FORM, 400],
    ['two upfiles', form(upfile('a'), upfile('b')), FORM, 400],
    ['an end in the middle of the file', whole.subarray(0, whole.length - BOUNDARY.length - 8), FORM, 400],
    ['an end in the middle of a header', whole.subarray(0, 60), FORM, 400],
    ['no closing boundary', whole.subarray(0, whole.length - 4), FORM, 400],
    ['another boundary', whole, { 'content-type': 'multipart/form-data; boundary=other' }, 400],
    ['no boundary', whole, { 'content-type': 'multipart/form-data' }, 400],
    ['noise', randomBytes(10_000), FORM, 400],
    ['a byte too many', form(upfile(Buffer.alloc(MAX_BYTES + 1))), FORM, 400],
    ['far too many', form(upfile(Buffer.alloc(MAX_BYTES + 200_000))), FORM, 400],
    [
      'far too many, of unknown length',
      form(upfile(Buffer.alloc(MAX_BYTES * 2))),
      { ...FORM, 'transfer-encoding': 'chunked' },
      400,
    ],
    ['no form', whole, { 'content-type': 'application/octet-stream' }, 415],
    ['no content type', whole, {}, 415],
    ['200 parts', form(...Array.from({ length: 200 }, (_, i) => ({ name: `p${i}`, content: 'x' })), upfile('a')), FORM, 400],
  ])('refuses %s', async (_, body, headers, status) => {
    const answer = await upload(body, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    const problem = JSON.parse(answer.text) as { code: string; fields?: { field: string }[] };
    if (problem.code === 'INVALID_UPLOAD') expect(problem.fields).toMatchObject([{ field: 'upfile' }]);
    await expectNothingLeft();
  });

  it.each([
    ['IMAGE_NOT_FOUND', 404],
    ['FORBIDDEN', 403],
  ] as const)('refuses with %s before a byte is read', async (code, status) => {
    gateway.answer(ImageCalls.beginUpload, () => Promise.reject(new ViceError(code, 'no')));
    using connection = await RawConnection.open(gateway.url);
    connection.send(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${BASIC}\r\nContent-Length: 1000000000\r\n`);
    connection.send(`Content-Type: ${FORM['content-type']}\r\n\r\n`);
    expect(await connection.expect('"code"')).toContain(`HTTP/1.1 ${status}`);
    await expectNothingLeft();
  });

  it('asks a client that waits to go on only once the upload is welcome', async () => {
    const head = (authorization: string) =>
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Length: ${whole.length}\r\n` +
      `Content-Type: ${FORM['content-type']}\r\nExpect: 100-continue\r\n\r\n`;
    using refused = await RawConnection.open(gateway.url);
    expect(await refused.send(head('Basic eDp5')).expect('"code"')).toMatch(/^HTTP\/1.1 401/);
    await until(() => refused.closed, { what: 'the connection is closed' });
    using welcome = await RawConnection.open(gateway.url);
    expect(await welcome.send(head(BASIC)).expect('100 Continue')).not.toContain('200');
    expect(await welcome.send(whole).expect('200 OK')).toContain('200 OK');
    expect(committed()).toHaveLength(1);
  });

  it('leaves nothing behind of a client that goes away, but a line in the log', async () => {
    const connection = await RawConnection.open(gateway.url);
    connection.send(
      `POST ${PATH} HTTP/1.1\r\nHost: x\r\nX-Request-Id: left\r\nAuthorization: ${BASIC}\r\nContent-Length: 3000000\r\n`,
    );
    connection.send(`Content-Type: ${FORM['content-type']}\r\n\r\n`).send(part(upfile(randomBytes(1_000_000))));
    await until(async () => (await gateway.staged()).length === 1, { what: 'the upload is under way' });
    connection.socket.destroy();
    await expectNothingLeft();
    const line = () => gateway.lines.find(({ msg, requestId }) => msg === 'request' && requestId === 'left');
    const left = { method: 'POST', path: PATH, status: 499, aborted: true };
    expect(await until(line, { what: 'the line' })).toMatchObject(left);
  });

  it('drops what the registry does not want any more', async () => {
    gateway.answer(ImageCalls.commitUpload, () => Promise.reject(new ViceError('IMAGE_NOT_FOUND', 'deleted meanwhile')));
    expect((await upload(form(upfile('hello')))).status).toBe(404);
    expect(await gateway.staged()).toEqual([]);
    expect(gateway.askedOf(BlobCalls.releaseHold)).not.toEqual([]);
  });

  it('says when the disk is full, and keeps nothing', async () => {
    gateway.answer(BlobCalls.reserveSpace, () => Promise.reject(new ViceError('STORAGE_FULL', 'full')));
    expect((await upload(form(upfile('hello')))).status).toBe(507);
    gateway.answer(BlobCalls.reserveSpace, () => ({}));
    expect(await gateway.staged()).toEqual([]);
    expect(committed()).toEqual([]);
  });
});
