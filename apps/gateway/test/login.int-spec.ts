import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ImageCalls, loginSecret, UserCalls } from '#libs/contracts';
import { ADA, TestGateway } from './test-gateway.js';

const basic = (text: string | Buffer) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const CHALLENGE = 'Basic realm="ViCE Image Registry", charset="UTF-8"';

describe('login', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await TestGateway.start();
    gateway.answer(UserCalls.getUser, () => ADA);
    gateway.answer(ImageCalls.findImages, () => ({ images: [], next: null, total: 0 }));
    gateway.answer(UserCalls.createUser, ({ username, email, fullname }) => ({ id: ADA.id, username, email, fullname }));
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  it('takes a password with a colon and umlauts, and asks the registry once', async () => {
    for (let i = 0; i < 3; i++) expect((await gateway.ask('/v1/user')).json()).toEqual(ADA);
    expect(gateway.askedOf(UserCalls.authenticate)).toHaveLength(1);
  });

  it.each([
    ['nothing', {}],
    ['another scheme', { authorization: 'Bearer abc' }],
    ['no base64', { authorization: 'Basic ???' }],
    ['an empty header', { authorization: '' }],
    ['no colon', basic('ada')],
    ['no name', basic(':x')],
    ['no UTF-8', basic(Buffer.from([0x61, 0x3a, 0xff]))],
    ['a wrong password', basic('ada:wrong')],
    ['a name of 200 characters', basic(`${'a'.repeat(200)}:x`)],
  ])('answers 401 with a challenge to %s', async (_, headers) => {
    const answer = await gateway.ask('/v1/user', { headers, anonymous: true });
    expect(answer).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': CHALLENGE, 'content-type': expect.stringContaining('application/problem+json') },
    });
    expect(answer.json()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  });

  it('lets anybody look at public images, but no wrong login', async () => {
    expect(await gateway.ask('/v1/images', { anonymous: true })).toMatchObject({ status: 200 });
    expect(gateway.askedOf(ImageCalls.findImages).at(-1)).toMatchObject({ userId: null });
    expect(await gateway.ask('/v1/images', { headers: basic('ada:wrong') })).toMatchObject({ status: 401 });
    expect(await gateway.ask('/v1/images')).toMatchObject({ status: 200 });
    expect(gateway.askedOf(ImageCalls.findImages).at(-1)).toMatchObject({ userId: ADA.id });
  });

  it('creates a user whatever the Authorization header says, and seals the password', async () => {
    const user = { username: 'bob', password: 'secret', email: 'bob@example.org', id: 'ignored', extra: 1 };
    const answer = await gateway.send('POST', '/v1/user', user, { headers: { authorization: 'Nonsense' }, anonymous: true });
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ id: ADA.id, username: 'bob', email: 'bob@example.org', fullname: null });
    const [asked] = gateway.askedOf(UserCalls.createUser);
    expect(JSON.stringify(asked)).not.toContain('secret');
    expect(gateway.box.open(asked?.password ?? '', loginSecret('bob'))).toBe('secret');
  });

  it('asks for a login before it looks at the body', async () => {
    const answer = await gateway.send('POST', '/v1/images', '{ broken', { anonymous: true });
    expect(answer.status).toBe(401);
  });

  it('slows down who guesses, but not who is known', async () => {
    await gateway.ask('/v1/user');
    const guess = (i: number) => gateway.ask('/v1/user', { headers: basic(`ada:guess ${i}`), anonymous: true });
    const statuses: number[] = [];
    for (let i = 0; i < 60; i++) statuses.push((await guess(i)).status);
    expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(50);
    const throttled = await guess(61);
    expect(throttled.status).toBe(429);
    expect(Number(throttled.headers['retry-after'])).toBeGreaterThan(0);
    expect((await gateway.ask('/v1/user')).status).toBe(200);
  });

  it('answers while it is flooded with wrong logins', async () => {
    await gateway.ask('/v1/user');
    const flood = Array.from({ length: 200 }, (_, i) =>
      gateway.ask('/v1/user', { headers: basic(`mallory${i}:x`), anonymous: true }),
    );
    expect((await gateway.ask('/v1/user')).status).toBe(200);
    const refused = new Set((await Promise.all(flood)).map(({ status }) => status));
    expect([...refused].every((status) => status === 401 || status === 503)).toBe(true);
  });
});
