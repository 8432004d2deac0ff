import { describe, expect, it } from '@jest/globals';
import { ViceError } from '#libs/errors';
import { createLogger, uncheckedLogger, type Logger } from './logger.js';
import { neverLog, passwordsIn } from './secrets/without-secrets.js';
import { beginWork, boundToWork, currentTrail, keepFromLogs, outsideWork, withinWork } from './work.js';

const lines: string[] = [];
const logger = createLogger('test', 'trace', { write: (line) => void lines.push(line) });

/** What was written, as text and parsed. */
function written(write: (logger: Logger) => void): { text: string; line: Record<string, unknown> } {
  lines.length = 0;
  write(logger);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  return { text: lines[0]!, line: JSON.parse(lines[0]!) as Record<string, unknown> };
}

describe('a log line', () => {
  it('says when, how bad, who and what, as JSON', () => {
    const { line } = written((log) => log.info({ ms: 3 }, 'request'));
    expect(line).toEqual({ level: 30, time: expect.stringMatching(/^\d{4}-.*Z$/), service: 'test', ms: 3, msg: 'request' });
  });

  it('carries the request and the job that it belongs to, also from callbacks that belong to no work', async () => {
    const trail = { requestId: 'r1', jobId: 'j1', attempt: 2 };
    const later = beginWork(trail, () => boundToWork(() => logger.info('later')));
    expect(written(later).line).toMatchObject(trail);
    await beginWork({ requestId: 'r1' }, async () => {
      await Promise.resolve();
      withinWork({ jobId: 'j1', attempt: 2 }, () => {
        expect(currentTrail()).toEqual(trail);
        expect(written((log) => log.warn('deep')).line).toMatchObject(trail);
      });
      expect(written((log) => log.warn('flat')).line).not.toHaveProperty('jobId');
      expect(outsideWork(() => written((log) => log.warn('none'))).line).not.toHaveProperty('requestId');
    });
  });

  it('carries the request where it is not looked through, too', () => {
    const unchecked = uncheckedLogger(logger);
    const { line } = beginWork({ requestId: 'r1' }, () => written(() => unchecked.info({ path: '/' }, 'request')));
    expect(line).toMatchObject({ requestId: 'r1', path: '/', msg: 'request' });
  });

  it('tells an error with its causes', () => {
    const cause = new AggregateError([new TypeError('first'), new Error('second', { cause: 'a word' })], 'both');
    const { line } = written((log) => log.error({ err: new ViceError('UNAVAILABLE', 'nobody answers', { cause }) }, 'failed'));
    expect(line['err']).toMatchObject({
      ...{ type: 'ViceError', message: 'nobody answers', code: 'UNAVAILABLE', stack: expect.stringContaining('logger.spec') },
      cause: { type: 'AggregateError', message: 'both', errors: [{ type: 'TypeError' }, { message: 'second', cause: 'a word' }] },
    });
  });

  it('ends where what it tells has no end', () => {
    const endless: Record<string, unknown> = { name: 'endless' };
    endless['self'] = endless;
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`n${index}`, { index }]));
    const { line, text } = written((log) => log.info({ endless, wide, bytes: Buffer.alloc(9), big: 2n ** 70n }, 'much'));
    expect(line).toMatchObject({ endless: { self: '[circular]' }, bytes: '[9 bytes]', big: String(2n ** 70n) });
    expect(text.length).toBeLessThan(40_000);
  });
});

const SECRET = 'hunter2-s3cret';
const login = Buffer.from(`ada:${SECRET}`).toString('base64');
const named = (name: string) => ({ [name]: SECRET });

describe('a log line never tells a secret', () => {
  it.each<[where: string, write: (log: Logger) => void]>([
    ...[
      'password',
      'Password',
      'clientSecret',
      'apiToken',
      'privateKey',
      'key',
      'sshKey',
      'accessCode',
      'Authorization',
      'x-auth-token',
    ].map((name): [string, (log: Logger) => void] => [`named ${name}`, (log) => log.info(named(name), 'm')]),
    ['six levels deep', (log) => log.info({ a: { b: { c: { d: { e: named('password') } } } } }, 'm')],
    ['in a list', (log) => log.info({ list: [[named('token')]] }, 'm')],
    ['in a map', (log) => log.info({ map: new Map([['password', SECRET]]) }, 'm')],
    ['in an object with a JSON form of its own', (log) => log.info({ own: { toJSON: () => named('secret') } }, 'm')],
    ['in a list of raw headers', (log) => log.info({ rawHeaders: ['Accept', '*/*', 'X-Auth-Token', SECRET] }, 'm')],
    ['as an object', (log) => log.info({ secrets: { a: [SECRET] } }, 'm')],
    ['in the login of a URL', (log) => log.info({ url: `amqp://user:${SECRET}@host/` }, 'm')],
    ['in the login of a URL object', (log) => log.info({ url: new URL(`http://user:${SECRET}@host/`) }, 'm')],
    ['in a message', (log) => log.info(`cannot reach postgres://vice:${SECRET}@db:5432/vice`)],
    ['in a formatted message', (log) => log.info('cannot reach %s', `amqps://${SECRET}@host`)],
    ['in a message of an error', (log) => log.error(new Error(`connect amqp://guest:${SECRET}@h failed`))],
    [
      'in a stack',
      (log) => log.error({ err: Object.assign(new Error('m'), { stack: `Error: password=${SECRET}\n at x` }) }, 'm'),
    ],
    [
      'in a property of an error',
      (log) => log.error({ err: Object.assign(new Error('m'), { config: { auth: named('pass') } }) }, 'm'),
    ],
    ['in a cause', (log) => log.error({ err: new Error('m', { cause: new Error('n', { cause: named('password') }) }) }, 'm')],
    ['in one of several errors', (log) => log.error({ err: new AggregateError([new Error(`token: ${SECRET}`)], 'm') }, 'm')],
    ['as a Basic login', (log) => log.info({ sent: `Basic ${login}` }, `header Authorization: Basic ${login}`)],
    ['as a Bearer token', (log) => log.info(`with Bearer ${SECRET}`)],
    [
      'in JSON in a text',
      (log) => log.info({ body: JSON.stringify({ auth: { identity: { user: { password: SECRET } } } }) }, 'm'),
    ],
    ['in JSON in JSON', (log) => log.info({ body: JSON.stringify({ a: JSON.stringify({ password: `${SECRET}"x` }) }) }, 'm')],
    ['as a parameter in a URL', (log) => log.info({ url: `https://host/x?user=ada&access_token=${SECRET}&more=1` }, 'm')],
    ['as a private key', (log) => log.info(`-----BEGIN RSA PRIVATE KEY-----\n${SECRET}\n-----END RSA PRIVATE KEY-----`)],
  ])('%s', (_, write) => {
    const { text } = written(write);
    expect(text).not.toMatch(/hunter2/);
    expect(text).not.toContain(login);
    expect(text).toContain('[secret]');
  });

  it('that the work in hand has to do with, in whatever words', () => {
    beginWork({}, () => {
      keepFromLogs(['odd "word" 7', 'abc']);
      expect(written((log) => log.info({ a: 'the odd "word" 7' }, 'abc: odd%20%22word%22%207')).line).toMatchObject({
        a: 'the [secret]',
        msg: 'abc: [secret]',
      });
    });
    expect(written((log) => log.info('odd "word" 7')).text).toContain('odd');
  });

  it.each<[form: string, told: (secret: string) => string]>([
    ['in a form', (secret) => new URLSearchParams({ secret }).toString()],
    ['in JSON in JSON', (secret) => JSON.stringify(JSON.stringify(secret))],
    ['in JSON that is ASCII', (secret) => JSON.stringify(secret).replace(/ä/g, '\\u00e4').replace(/€/g, '\\u20ac')],
    ...['', 'a', 'ad', 'ada', 'ada:'].flatMap((before): [string, (secret: string) => string][] => [
      [`in base64 after "${before}"`, (secret) => Buffer.from(`${before}${secret}`).toString('base64')],
      [`in base64url after "${before}"`, (secret) => Buffer.from(`${before}${secret}!`).toString('base64url')],
    ]),
    ['in hexadecimal', (secret) => Buffer.from(secret).toString('hex')],
    ['within another', () => `${SECRET}-longer`],
  ])('that the work in hand has to do with, %s', (_, told) => {
    const secret = 'ä€ "odd" ~~~?>+w%2F';
    const form = told(secret);
    beginWork({}, () => {
      keepFromLogs([SECRET, `${SECRET}-longer`, secret]);
      const { line } = written((log) => log.info({ err: new Error(`it said ${form}.`) }, `it said ${form}.`));
      const { message } = line['err'] as { message: string };
      for (const text of [line['msg'], message]) expect(text).toMatch(/^it said [^[]{0,8}\[secret\][^[]{0,5}\.$/);
    });
  });

  it('that stands where a long text is cut off', () => {
    beginWork({}, () => {
      keepFromLogs([SECRET]);
      expect(written((log) => log.info({ text: `${'x'.repeat(16_380)}${SECRET}` }, 'm')).text).not.toContain('hunt');
    });
  });

  it('of this process, such as the passwords in its URLs', () => {
    neverLog(passwordsIn('postgres://vice:p%40ssw0rd-x@db/vice', null));
    expect(written((log) => log.info('p@ssw0rd-x and p%40ssw0rd-x')).line['msg']).toBe('[secret] and [secret]');
  });

  it('and leaves alone what is none', () => {
    const harmless = {
      ...{ url: 'http://host:8080/v1/image/7?x=a@b', user: 'ada', keyId: 'k1', attempts: 3, isSecret: true, none: null },
      ...{ text: 'Basic authentication is asked for; password authentication failed for user "vice"' },
    };
    expect(written((log) => log.info(harmless, 'a user@host')).line).toMatchObject({ ...harmless, msg: 'a user@host' });
  });

  it('and is written in time, however odd the text', () => {
    const odd = [
      'token'.repeat(20_000),
      '://'.repeat(30_000),
      'password="\\'.repeat(9_000),
      'basic '.repeat(20_000),
      'a@'.repeat(50_000),
    ];
    const began = performance.now();
    for (const text of odd) written((log) => log.info({ text }, 'm'));
    expect(performance.now() - began).toBeLessThan(1_000);
  });
});
