import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { type CloudLine, describeWith, freePort, lineToCloud, openstack, startCloud, type TestCloud } from '#libs/testing';
import { type EnvironmentAccess } from '../index.js';
import { accessTo, inSession } from './openstack-bench.js';

await describeWith([openstack()], 'logging in to OpenStack', () => {
  let cloud: TestCloud;
  let line: CloudLine;
  beforeAll(async () => {
    cloud = await startCloud();
    line = await lineToCloud(cloud);
  }, 120_000);
  afterAll(async () => {
    await line?.[Symbol.asyncDispose]();
    await cloud?.stop();
  });

  const access = (specifics: JsonObject = {}, rest: Partial<EnvironmentAccess> = {}) =>
    accessTo(cloud, cloud.projects.vice, specifics, rest);
  const check = (environment: EnvironmentAccess) => inSession(environment, (session) => session.check());
  const at = (path: string) => new URL(path, cloud.authUrl).href;

  test.each(['/v3', '/v3/', '/', '', '/v2.0', '/v2.0/', '/v3/auth/tokens'])(
    'works at a location that ends in "%s"',
    async (path) => {
      const { message, details } = await check(access({}, { location: `${new URL(cloud.authUrl).origin}${path}` }));
      expect(message).toBe('OpenStack project vice as vice; image API v2.15');
      expect(details).toMatchObject({ project: 'vice', servers: false });
    },
  );

  test('works with the keys of older clients', async () => {
    const specifics = { tenant: '', TenantName: 'vice', Region: 'RegionOne', Domain: 'Default' };
    await expect(check(access(specifics))).resolves.toMatchObject({ message: expect.stringContaining('region RegionOne') });
  });

  test('works with an application credential, and says when it does not hold', async () => {
    const { vice } = cloud.projects;
    const made = await cloud.api(vice, 'identity', 'POST', `/users/${await userId()}/application_credentials`, {
      json: { application_credential: { name: 'vice' } },
    });
    const { id, secret } = made.json<{ application_credential: { id: string; secret: string } }>().application_credential;
    const none = { username: null, password: null };
    const specifics = (given: string) => ({ tenant: '', applicationCredentialId: id, applicationCredentialSecret: given });
    await expect(check(access(specifics(secret), none))).resolves.toMatchObject({
      message: expect.stringContaining('project vice'),
    });
    await expect(check(access(specifics('wrong'), none))).rejects.toMatchObject({
      code: 'CREDENTIALS_REFUSED',
      message: expect.stringContaining('application credential'),
    });
  });

  describe('says what is wrong', () => {
    test.each<[what: string, environment: () => EnvironmentAccess | Promise<EnvironmentAccess>, code: string, message: RegExp]>([
      ['the password', () => access({}, { password: 'wrong' }), 'CREDENTIALS_REFUSED', /password for the user "vice"/],
      ['the user', () => access({}, { username: 'nobody' }), 'CREDENTIALS_REFUSED', /"nobody"/],
      ['the domain of the user', () => access({ userDomain: 'uni' }), 'CREDENTIALS_REFUSED', /domain "uni"/],
      ['the project', () => access({ tenant: 'physics' }), 'ENVIRONMENT_MISCONFIGURED', /no project "physics".*it has vice/],
      ['another user’s project', () => access({ tenant: 'other' }), 'ENVIRONMENT_MISCONFIGURED', /no project "other"/],
      ['the region', () => access({ region: 'West' }), 'ENVIRONMENT_MISCONFIGURED', /region "West".*RegionOne/],
      [
        'a location without Keystone',
        () => access({}, { location: at('/dashboard') }),
        'ENVIRONMENT_MISCONFIGURED',
        /no Keystone/,
      ],
      ['the location of Glance', () => access({}, { location: cloud.glanceUrl }), 'ENVIRONMENT_MISCONFIGURED', /no Keystone/],
      [
        'a port without anyone',
        async () => access({}, { location: `http://127.0.0.1:${await freePort()}/v3` }),
        'ENVIRONMENT_UNREACHABLE',
        /nothing listens/,
      ],
      ['a host without a name', () => access({}, { location: 'https://cloud.invalid/v3' }), 'ENVIRONMENT_UNREACHABLE', /host/],
    ])('%s', async (_, environment, code, message) => {
      await expect(check(await environment())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    });

    test('a catalogue without an image service', async () => {
      line.fail({ to: /POST .*auth\/tokens/, edit: (text) => text.replaceAll('"image"', '"picture"') });
      await expect(check(accessTo(line, cloud.projects.vice))).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringContaining('no image service'),
      });
    });

    test('a Keystone that speaks only version 2', async () => {
      line.fail({ to: /GET \/v3/, answer: { status: 404 } });
      line.fail({
        to: /GET \/$/,
        answer: { status: 300, headers: { 'content-type': 'application/json' }, body: '{"versions":{"values":[{"id":"v2.0"}]}}' },
      });
      await expect(check(accessTo(line, cloud.projects.vice))).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringMatching(/only v2\.0.*version 3/),
      });
    });

    test('a page of HTML where Keystone should be', async () => {
      line.fail({
        to: /GET \/v3/,
        answer: { status: 200, headers: { 'content-type': 'text/html' }, body: '<h1>Welcome to our cloud</h1>' },
      });
      await expect(check(accessTo(line, cloud.projects.vice))).rejects.toMatchObject({
        code: 'ENVIRONMENT_MISCONFIGURED',
        message: expect.stringContaining('Welcome to our cloud'),
      });
    });
  });

  test('servers in another region do not keep from what is here', async () => {
    const compute = '{"type":"compute","endpoints":[{"interface":"public","region":"West","url":"http://127.0.0.1:1/v2.1"}]},';
    line.fail({ to: /POST .*auth\/tokens/, edit: (text) => text.replace('"catalog": [', `"catalog": [${compute}`) });
    await expect(check(accessTo(line, cloud.projects.vice, { region: 'RegionOne' }))).resolves.toMatchObject({
      details: { servers: false },
    });
  });

  test('a password never shows in what is raised', async () => {
    const error = await check(access({}, { password: 'Tr0ub4dor&3' })).catch((raised: unknown) => raised);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('Tr0ub4dor');
  });

  async function userId(): Promise<string> {
    const answer = await cloud.api(cloud.projects.admin, 'identity', 'GET', '/users?name=vice');
    return answer.json<{ users: { id: string }[] }>().users[0]!.id;
  }
});

await describeWith([openstack()], 'an OpenStack behind TLS', () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startCloud({ tls: true });
  }, 120_000);
  afterAll(() => cloud?.stop());

  const check = (specifics: JsonObject) =>
    inSession(accessTo({ ...cloud, ca: null }, cloud.projects.vice, specifics), (session) => session.check());

  test('is trusted by its authority, or when the user does without', async () => {
    await expect(check({ cacert: cloud.ca })).resolves.toBeDefined();
    await expect(check({ insecure: true })).resolves.toBeDefined();
  });

  test('is not trusted otherwise, and the message says what to give', async () => {
    await expect(check({})).rejects.toMatchObject({
      code: 'ENVIRONMENT_MISCONFIGURED',
      message: expect.stringMatching(/certificate .* not trusted .*credentials\.specifics\.cacert/),
    });
  });
});
