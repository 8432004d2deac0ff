import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EnvironmentCalls, ImageCalls, UserCalls } from '#libs/contracts';
import { ENVIRONMENT, IMAGE, IMAGE_ID } from './fixtures.js';
import { ADA, TestGateway, type HttpAnswer } from './test-gateway.js';

describe('bodies', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start();
    gateway
      .answer(ImageCalls.createImage, () => IMAGE)
      .answer(ImageCalls.getImage, () => IMAGE)
      .answer(ImageCalls.findImages, () => ({ images: [IMAGE, { ...IMAGE, title: '\u0001' }], next: null, total: 2 }))
      .answer(EnvironmentCalls.createEnvironment, () => ENVIRONMENT)
      .answer(UserCalls.createUser, () => ADA);
  });
  beforeEach(() => void gateway.asked.splice(0));
  afterAll(() => gateway[Symbol.asyncDispose]());

  const post = (path: string, type: string | undefined, body: string | Buffer, headers = {}): Promise<HttpAnswer> =>
    gateway.ask(path, { method: 'POST', headers: { ...(type && { 'content-type': type }), ...headers }, body });

  it('speaks XML in both directions', async () => {
    const xml =
      '<Image><title>Büsy &amp; Box</title><tags><tag>a</tag></tags><specifics>{"n":1}</specifics>' +
      '<originEnvironment><title>e</title></originEnvironment></Image>';
    const answer = await post('/v1/images', 'application/xml; charset=UTF-8', xml, { accept: 'application/xml' });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/xml; charset=utf-8', vary: 'Accept' });
    expect(gateway.askedOf(ImageCalls.createImage)[0]).toMatchObject({
      image: { title: 'Büsy & Box', tags: ['a'], specifics: { n: 1 }, originEnvironment: { inline: { title: 'e' } } },
    });
    expect(answer.text).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<Image><id>/);
    expect(answer.text).toContain('<title>Büsy &amp; Box</title><tags><tag>a</tag><tag>b</tag></tags>');
    expect(answer.text).toContain('<specifics>{&quot;a&quot;:{&quot;b&quot;:1}}</specifics>');
    expect(answer.text).not.toContain('description');
  });

  it('takes an image back as it gave it, as XML and as JSON', async () => {
    for (const type of ['application/xml', 'application/json']) {
      const given = await gateway.ask(`/v1/image/${IMAGE_ID}`, { headers: { accept: type } });
      expect((await post('/v1/images', type, given.body)).status).toBe(201);
      expect(gateway.askedOf(ImageCalls.createImage).at(-1)?.image).toMatchObject({
        title: IMAGE.title,
        tags: IMAGE.tags,
        specifics: IMAGE.specifics,
        originEnvironment: { known: ENVIRONMENT.id },
      });
    }
  });

  it('lists in XML', async () => {
    const answer = await gateway.ask('/v1/images', { headers: { accept: 'text/xml' } });
    expect(answer.headers['content-type']).toBe('text/xml; charset=utf-8');
    expect(answer.text).toMatch(/<Images><Image>.*<\/Image><Image>.*<title>\ufffd<\/title>.*<\/Image><\/Images>$/);
  });

  it('creates a user from XML', async () => {
    const xml = '<User><username>bob</username><password>a&lt;b</password></User>';
    expect((await post('/v1/user', 'text/xml', xml)).status).toBe(200);
    expect(gateway.askedOf(UserCalls.createUser)[0]).toMatchObject({ username: 'bob', email: null });
  });

  it.each([
    ['broken JSON', 'application/json', '{"title":'],
    ['a list', 'application/json', '[]'],
    ['null', 'application/json', 'null'],
    ['no body', 'application/json', ''],
    ['no body and no type', undefined, ''],
    ['deep JSON', 'application/json', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)],
    ['no UTF-8', 'application/json', Buffer.from([0x22, 0xff, 0x22])],
    ['broken XML', 'application/xml', '<Image><title></Image>'],
    [
      'a DOCTYPE',
      'application/xml',
      '<!DOCTYPE Image [<!ENTITY x SYSTEM "file:///etc/passwd">]><Image><title>&x;</title></Image>',
    ],
    ['another root', 'application/xml', '<Environment/>'],
  ])('405 for %s, with Allow and a problem', async (_, type, body) => {
    const answer = await post('/v1/images', type, body);
    expect(answer.status).toBe(405);
    expect(answer.headers).toMatchObject({ allow: 'GET, HEAD, POST, PUT', 'content-type': 'application/problem+json' });
    expect(answer.json()).toMatchObject({ code: 'INVALID_INPUT', title: 'Invalid input', detail: expect.any(String) });
    expect(gateway.askedOf(ImageCalls.createImage)).toEqual([]);
  });

  it('names every field at fault, also in XML', async () => {
    const json = await post('/v1/images', 'application/json', '{"title":1,"visibility":"x"}');
    expect(json.json()).toMatchObject({ status: 405, fields: [{ field: 'title' }, { field: 'visibility' }] });
    const xml = await post('/v1/environments', 'application/xml', '<Environment><credentials>x</credentials></Environment>');
    expect(xml.json()).toMatchObject({ status: 405, fields: [{ field: 'credentials', message: 'must be an object' }] });
  });

  it('repeats nothing of a broken body, which may hold a password', async () => {
    const answer = await post('/v1/user', 'application/json', '{"password": sesame}');
    expect(answer.status).toBe(405);
    expect(answer.text).not.toContain('sesame');
  });

  it.each([
    ['text/plain', 'x'],
    ['application/x-www-form-urlencoded', 'title=x'],
    ['multipart/form-data; boundary=x', 'x'],
    ['application/json; charset=latin1', '{}'],
    [undefined, '{}'],
    ['nonsense', '{}'],
  ])('415 for %s', async (type, body) => {
    const answer = await post('/v1/images', type, body);
    expect(answer.status).toBe(415);
    expect(answer.json()).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE' });
  });

  it('415 for a body that is compressed, and not for one that is said to be as it is', async () => {
    const answer = await post('/v1/images', 'application/json', '{}', { 'content-encoding': 'gzip' });
    expect(answer.status).toBe(415);
    expect(answer.json()).toMatchObject({ code: 'UNSUPPORTED_MEDIA_TYPE', detail: expect.stringContaining('gzip') });
    expect((await post('/v1/images', 'application/json', '{}', { 'content-encoding': 'Identity' })).status).toBe(201);
  });

  it('413 above 1 MiB, and not at it', async () => {
    const body = (bytes: number) => `{"unknown":"${'x'.repeat(bytes - 14)}"}`;
    expect((await post('/v1/images', 'application/json', body(1024 * 1024))).status).toBe(201);
    const answer = await post('/v1/images', 'application/json', body(1024 * 1024 + 1));
    expect(answer.status).toBe(413);
    expect(answer.json()).toMatchObject({ code: 'BODY_TOO_LARGE' });
    expect((await post('/v1/images', 'application/json', body(2_000_000), { 'transfer-encoding': 'chunked' })).status).toBe(413);
  });

  it('406 before anything is done', async () => {
    const answer = await post('/v1/images', 'application/json', '{}', { accept: 'image/png' });
    expect(answer.status).toBe(406);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(gateway.askedOf(ImageCalls.createImage)).toEqual([]);
  });

  it('answers problems as JSON also to who wants XML', async () => {
    const answer = await gateway.ask('/v1/image/x', { headers: { accept: 'application/xml' } });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  it.each([
    ['PATCH', '/v1/images', 'GET, HEAD, POST, PUT'],
    ['DELETE', '/v1/images', 'GET, HEAD, POST, PUT'],
    ['PUT', `/v1/image/${IMAGE_ID}`, 'DELETE, GET, HEAD'],
    ['GET', '/v1/deploy', 'POST'],
  ])('405 for a wrong method: %s %s', async (method, path, allow) => {
    const answer = await gateway.ask(path, { method });
    expect(answer).toMatchObject({ status: 405, headers: { allow } });
    expect(answer.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
  });

  it('takes a body that waits to be asked for', async () => {
    const answer = await post('/v1/images', 'application/json', '{}', { expect: '100-continue' });
    expect(answer.status).toBe(201);
  });
});
