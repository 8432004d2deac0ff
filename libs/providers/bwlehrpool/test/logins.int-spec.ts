import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { describeWith, freePort, tool } from '#libs/testing';
import { inSession, qcow2, storeImage } from './bwlehrpool-bench.js';
import { authorization } from './satellite/exceptions.js';
import { startSatellite, type TestSatellite } from './satellite/test-satellite.js';
import { LECTURER, STUDENT } from './satellite/users.js';

await describeWith([tool('openssl')], 'logging in at a satellite', () => {
  let satellite: TestSatellite;
  const servers: Server[] = [];
  beforeAll(async () => void (satellite = await startSatellite()));
  afterEach(() => {
    servers.splice(0).forEach((server) => server.close());
    satellite.known.addresses = ['127.0.0.1'];
    satellite.others.length = 0;
    satellite.known.certSha256 = Buffer.from(satellite.certSha256, 'hex');
  });
  afterAll(async () => satellite?.[Symbol.asyncDispose]());

  const check = (how: 'tls' | 'plain' = 'tls', specifics: JsonObject = {}, rest: object = {}) =>
    inSession({ ...satellite.access(how, specifics), ...rest }, (session) => session.check());

  it.each(['tls', 'plain'] as const)('says who answers, and leaves no login behind: %s', async (how) => {
    const { message, details } = await check(how);
    expect(message).toMatch(/satellite at 127\.0\.0\.1:\d+ knows you as Ada Lovelace/);
    expect(details).toMatchObject({ version: 5, tls: how === 'tls', maxTransfers: 4 });
    expect(satellite.users.open).toBe(0);
  });

  it('takes an access code in place of a password', async () => {
    const login = { username: null, password: null };
    await expect(check('tls', { accessCode: LECTURER.accessCode }, login)).resolves.toBeDefined();
    await expect(check('tls', { accessCode: 'wrong' }, login)).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED' });
    await expect(check('tls', {}, login)).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISCONFIGURED',
      message: expect.stringContaining('accessCode'),
    });
  });

  it('says when the password is wrong', async () => {
    await expect(check('tls', {}, { password: 'wrong' })).rejects.toMatchObject({
      code: 'CREDENTIALS_REFUSED',
      message: expect.stringMatching(/user name, the password.*wrong.*master server at/),
    });
  });

  it('tells what the master says of a login, but neither the password nor that it should be tried again later', async () => {
    const said = `Too many failed logins with "${LECTURER.password}"`;
    satellite.faults.raise('localAccountLogin', authorization(5, said));
    await expect(check()).rejects.toMatchObject({
      code: 'CREDENTIALS_REFUSED',
      message: expect.stringContaining('Too many failed logins with "***"'),
    });
  });

  describe('the certificates', () => {
    it('of the satellite is the one that the master tells, or that the environment says', async () => {
      satellite.known.certSha256 = null;
      await expect(check()).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringMatching(/is not known/),
      });
      await expect(check('tls', { certSha256: satellite.certSha256 })).resolves.toBeDefined();
      const colons = satellite.certSha256.toUpperCase().replace(/(..)(?=.)/g, '$1:');
      await expect(check('tls', { CertSHA256: colons })).resolves.toBeDefined();
    });

    it('of the satellite is any of those that the master tells of its host, where no port tells them apart', async () => {
      satellite.others.push({ addresses: ['127.0.0.1'], certSha256: Buffer.alloc(32, 1) });
      await expect(check()).resolves.toBeDefined();
    });

    it('is compared before a byte is sent', async () => {
      satellite.faults.calls.clear();
      const other = '0'.repeat(64);
      for (const setUp of [() => (satellite.known.certSha256 = Buffer.from(other, 'hex')), () => undefined]) {
        setUp();
        const specifics: JsonObject = satellite.known.certSha256?.toString('hex') === other ? {} : { certSha256: other };
        await expect(check('tls', specifics)).rejects.toMatchObject({
          code: 'ENVIRONMENT_MISCONFIGURED',
          message: expect.stringContaining(satellite.certSha256),
        });
        satellite.known.certSha256 = Buffer.from(satellite.certSha256, 'hex');
      }
      expect([...satellite.faults.calls.keys()]).toEqual(['localAccountLogin']);
    });

    it('of the master is verified', async () => {
      satellite.faults.calls.clear();
      const { specifics, ...rest } = satellite.access('tls');
      const without = withoutKey(specifics, 'cacert');
      await expect(inSession({ ...rest, specifics: without }, (session) => session.check())).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringMatching(/master server.*not trusted.*cacert/),
      });
      expect(satellite.faults.calls.size).toBe(0);
    });
  });

  it('names the satellites that there are, when the one that was meant is none of them', async () => {
    satellite.known.addresses = ['satellite.example.org', '10.1.2.3:9091'];
    await expect(check()).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISCONFIGURED',
      message: expect.stringMatching(/Test satellite \(satellite\.example\.org, 10\.1\.2\.3:9091\)/),
    });
    await expect(check('tls', { certSha256: satellite.certSha256 })).resolves.toBeDefined();
  });

  it('does not speak to plain ports unless it is told to', async () => {
    const { specifics, ...rest } = satellite.access('plain');
    const secure = withoutKey(specifics, 'insecure');
    await expect(inSession({ ...rest, specifics: secure }, (session) => session.check())).rejects.toMatchObject({
      code: expect.stringMatching(/ENVIRONMENT_(MISCONFIGURED|UNREACHABLE)/),
    });
  });

  it('says when nothing listens, or what listens is something else', async () => {
    const refused = { location: `127.0.0.1:${await freePort()}` };
    await expect(check('plain', {}, refused)).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNREACHABLE',
      message: expect.stringContaining('refused'),
    });
    const server = createServer((socket) => socket.write('220 mail.example.org ESMTP\r\n'));
    servers.push(server.listen(0, '127.0.0.1'));
    await new Promise((listening) => server.once('listening', listening));
    const { port } = server.address() as AddressInfo;
    await expect(check('plain', {}, { location: `127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISCONFIGURED',
      message: expect.stringContaining('does not speak'),
    });
  });

  it('goes nowhere that the operator has closed', async () => {
    const work = inSession(satellite.access('tls'), (session) => session.check(), { egressDeny: ['127.0.0.0/8'] });
    await expect(work).rejects.toMatchObject({ code: 'LOCATION_DENIED' });
  });

  describe('check, list and describe', () => {
    const all = async () => {
      const { reference } = storeImage(satellite, qcow2(1000));
      return inSession(satellite.access('tls'), async (session) => {
        await session.check();
        const { images } = await session.list();
        return [images.length, (await session.describe(reference)).name];
      });
    };

    it.each([
      'localAccountLogin',
      'getVersion',
      'whoami',
      'getConfiguration',
      'getImageList',
      'getImageDetails',
      'requestDownload',
      'getOperatingSystems',
      'getImageVersionVirtConfig',
    ])('survive a dropped %s', async (name) => {
      satellite.faults.dropCall(name);
      expect(await all()).toEqual([expect.any(Number), 'Algorithms']);
      satellite.faults.dropCall(name, 'after');
      expect(await all()).toEqual([expect.any(Number), 'Algorithms']);
    });

    it('do not survive two, and say so', async () => {
      satellite.faults.dropCall('getImageList');
      satellite.faults.dropCall('getImageList');
      await expect(all()).rejects.toMatchObject({
        code: 'ENVIRONMENT_UNREACHABLE',
        message: expect.stringContaining('list the images'),
      });
    });

    it('survive a login that expires in between', async () => {
      const { reference } = storeImage(satellite, qcow2(1000));
      await inSession(satellite.access('tls'), async (session) => {
        for (const step of [() => session.check(), () => session.list(), () => session.describe(reference)]) {
          satellite.users.expire();
          await expect(step()).resolves.toBeDefined();
        }
      });
      satellite.faults.raise('getImageList', authorization(8), 2);
      await expect(all()).rejects.toMatchObject({ code: 'CREDENTIALS_REFUSED' });
    });
  });

  it('tells a student what a student may not', async () => {
    const student = { username: STUDENT.login, password: STUDENT.password };
    await expect(check('tls', {}, student)).resolves.toMatchObject({ message: expect.stringContaining('may not list images') });
    await expect(inSession({ ...satellite.access('tls'), ...student }, (session) => session.list())).rejects.toMatchObject({
      code: 'ENVIRONMENT_REFUSED',
      message: expect.stringContaining('students'),
    });
  });

  it('stops when it is told to', async () => {
    const control = new AbortController();
    const work = inSession(satellite.access('tls'), (session) => (control.abort(new Error('enough')), session.check()), {
      signal: control.signal,
    });
    await expect(work).rejects.toThrow('enough');
  });

  it('says in words that the time for a request is over', async () => {
    const control = new AbortController();
    const work = inSession(satellite.access('tls'), (session) => (control.abort(), session.list()), { signal: control.signal });
    await expect(work).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNREACHABLE',
      message: expect.stringMatching(/satellite at .* did not answer in time/),
    });
  });
});

const withoutKey = (specifics: JsonObject, left: string): JsonObject =>
  Object.fromEntries(Object.entries(specifics).filter(([key]) => key !== left));
