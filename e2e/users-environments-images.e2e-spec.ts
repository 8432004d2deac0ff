import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Deployment, type Environment, type Image, type Problem, type User } from '#libs/contracts';
import { expectStatus, type ViceClient } from './client.js';
import { asXml, SEED_DEPLOYMENT, SEED_ENVIRONMENT, SEED_FIELDS, SEED_IMAGE, SEED_USER } from './seed-bodies.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const XML = { accept: 'application/xml' };
const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

await inBothWays('users, environments and images', [], (way) => {
  let vice: Vice;
  let ada: ViceClient;
  let bob: ViceClient;
  let anonymous: ViceClient;

  beforeAll(async () => {
    vice = await startVice(way);
    anonymous = vice.anonymous();
    [ada, bob] = await Promise.all([vice.newUser(), vice.newUser()]);
  }, 120_000);
  afterAll(async () => vice?.[Symbol.asyncDispose](), 60_000);

  describe('the examples of the first document', () => {
    let aeiou: ViceClient;
    let environment: Environment;

    test('createUser takes its body, without a login and with a wrong one; getUser gives it back without the password', async () => {
      expect(expectStatus(200, await anonymous.post<User>('/user', SEED_USER))).toMatchObject({
        username: 'aeiou',
        fullname: 'aeiou',
      });
      aeiou = anonymous.as({ username: 'aeiou', password: 'aeiou' });
      const user = expectStatus(200, await aeiou.get<User>('/user'));
      expect(Object.keys(user)).toEqual(expect.arrayContaining(SEED_FIELDS.User));
      expect(user).not.toHaveProperty('password');
      expect(user.id).not.toBe('aeiou');
      const second = await anonymous.as({ username: 'x', password: 'y' }).post<Problem>('/user', SEED_USER);
      expect(second).toMatchObject({ status: 409, body: { code: 'USERNAME_TAKEN' } });
    });

    test('createEnvironment, findEnvironment, getEnvironment, updateEnvironment, deleteEnvironment', async () => {
      environment = expectStatus(201, await aeiou.post<Environment>('/environments', SEED_ENVIRONMENT));
      expect(Object.keys(environment)).toEqual(expect.arrayContaining(SEED_FIELDS.Environment));
      expect(environment.credentials).toEqual({ location: 'aeiou', username: 'aeiou', specifics: {} });
      expect(expectStatus(200, await aeiou.get(`/environment/${environment.id}`))).toEqual(environment);
      expect(expectStatus(200, await aeiou.get('/environments?filterManagementlayer=AEIOU'))).toEqual([environment]);
      expect(expectStatus(200, await aeiou.get('/environments?filterRuntimetechnology=virtualmachine'))).toHaveLength(1);
      expect(expectStatus(200, await aeiou.get('/environments?filterManagementlayer=docker'))).toEqual([]);
      expect((await aeiou.put('/environments', SEED_ENVIRONMENT)).status).toBe(404);
      const updated = expectStatus(201, await aeiou.put<Environment>('/environments', { id: environment.id, title: 'new' }));
      expect(updated).toMatchObject({
        title: 'new',
        managementlayer: environment.managementlayer,
        credentials: environment.credentials,
      });
      const other = expectStatus(201, await aeiou.post<Environment>('/environments', SEED_ENVIRONMENT));
      expect((await aeiou.delete(`/environment/${other.id}`)).status).toBe(200);
      expect((await aeiou.get(`/environment/${other.id}`)).status).toBe(404);
    });

    test('createImage, getImage, findImages, updateImage, deleteImage', async () => {
      const refused = await aeiou.post<Problem>('/images', SEED_IMAGE);
      expect(refused.status).toBe(405);
      expect(refused.body.fields?.map(({ field }) => field)).toEqual(['originEnvironment.id']);
      const known = { ...SEED_IMAGE, originEnvironment: { ...SEED_ENVIRONMENT, id: environment.id } };
      const image = await aeiou.createImage(known);
      expect(Object.keys(image)).toEqual(expect.arrayContaining(SEED_FIELDS.Image));
      expect(image).toMatchObject({
        title: 'aeiou',
        imported: false,
        status: 'importing',
        originEnvironment: { id: environment.id },
      });
      expect(await aeiou.settledImage(image.id)).toMatchObject({ status: 'failed', imported: false });
      expect((await aeiou.imageJobs(image.id))[0]).toMatchObject({ state: 'failed', error: { code: 'NO_PROVIDER' } });
      expect(expectStatus(200, await aeiou.get<Image[]>('/images'))).toHaveLength(1);
      expect((await aeiou.put('/images', SEED_IMAGE)).status).toBe(404);
      expect(expectStatus(201, await aeiou.put('/images', { id: image.id, title: 'new' }))).toMatchObject({ title: 'new' });
      expect((await aeiou.delete(`/image/${image.id}`)).status).toBe(200);
      expect((await aeiou.get(`/image/${image.id}`)).status).toBe(404);
    });

    test('deployImage, findDeployments, getDeployment, deleteDeployment, getRuntimeStats', async () => {
      const refused = await aeiou.post<Problem>('/deploy', SEED_DEPLOYMENT);
      expect(refused.status).toBe(405);
      expect(refused.body.fields?.map(({ field }) => field).sort()).toEqual(['environmentId', 'imageid']);
      const engine = await aeiou.dockerEnvironment('unix:///nowhere.sock');
      const image = await aeiou.createImage({ title: 'without content' });
      expect((await aeiou.post('/deploy', { imageid: image.id, environmentId: engine.id })).status).toBe(409);
      await aeiou.upload(image.id, Buffer.from('FROM scratch\nCOPY . /\n'));
      await aeiou.settledImage(image.id);
      const deployment = await aeiou.deploy(image.id, engine.id, { title: 'there' });
      expect(Object.keys(deployment)).toEqual(expect.arrayContaining(SEED_FIELDS.Deployment));
      expect(deployment).toMatchObject({ title: 'there', imageid: image.id, environmentReference: null });
      expect(expectStatus(200, await aeiou.get<Deployment[]>('/deployments')).map(({ id }) => id)).toEqual([deployment.id]);
      expect((await aeiou.delete(`/environment/${engine.id}`)).status).toBe(409);
      expect((await aeiou.delete(`/deployment/${deployment.id}?forget=true`)).status).toBe(200);
      expect((await aeiou.get(`/deployment/${deployment.id}`)).status).toBe(404);
      const stats = expectStatus(200, await aeiou.get<object>('/runtimestats'));
      expect(Object.keys(stats).sort()).toEqual([...SEED_FIELDS.RuntimeStats].sort());
    });
  });

  describe('XML', () => {
    test('every model goes in and comes out', async () => {
      const user = { username: `xml & <${way}>`, password: 'p<&>"\'w', fullname: 'Ada Lovelace' };
      const made = await anonymous.request('POST', '/user', { xml: asXml('User', user), headers: XML });
      expect(made).toMatchObject({ status: 200, text: expect.stringContaining(`<username>xml &amp; &lt;${way}&gt;</username>`) });
      const client = anonymous.as(user);
      const environment = await client.request('POST', '/environments', {
        xml: asXml('Environment', SEED_ENVIRONMENT),
        headers: XML,
      });
      expect(environment.headers.get('content-type')).toMatch(/^application\/xml/);
      const id = /<id>(.*?)<\/id>/.exec(expectStatus(201, environment) === undefined ? environment.text : '')?.[1];
      expect(expectStatus(200, await client.get<Environment>(`/environment/${id}`))).toMatchObject({
        title: 'aeiou',
        credentials: { specifics: {} },
      });
      const image = { title: 'über', tags: ['a', 'b & c'], specifics: { cores: 2 } };
      const created = await client.request<Image>('POST', '/images', {
        xml: asXml('Image', image),
        headers: { accept: 'application/json' },
      });
      expect(expectStatus(201, created)).toMatchObject(image);
      const list = await client.get('/images', XML);
      expect(list.text).toMatch(/<Images><Image>.*<tags><tag>a<\/tag><tag>b &amp; c<\/tag><\/tags>.*<\/Image><\/Images>/s);
      expect(list.text).not.toContain('<digest>');
      expect((await client.get('/deployments', XML)).text).toMatch(/<Deployments\s*\/>|<Deployments><\/Deployments>/);
      expect((await client.get(`/image/${created.body.id}/jobs`, XML)).text).toMatch(/<Jobs\s*\/>/);
      expect((await client.get('/runtimestats', XML)).text).toContain('<RuntimeStats><importsPending>');
    });

    test.each([
      ['an entity', '<!DOCTYPE Image [<!ENTITY x SYSTEM "file:///etc/passwd">]><Image><title>&x;</title></Image>'],
      ['another root', '<User><title>x</title></User>'],
      ['an unclosed element', '<Image><title>x</Image>'],
    ])('with %s is refused as invalid input', async (_, xml) => {
      const { status, body } = await ada.request<Problem>('POST', '/images', { xml });
      expect({ status, code: body.code }).toEqual({ status: 405, code: 'INVALID_INPUT' });
    });
  });

  describe('what cannot be answered', () => {
    test.each([
      ['text', { title: 7 }, 'title'],
      ['a known word', { contenttype: 'disk-floppy' }, 'contenttype'],
      ['a list', { tags: 'a' }, 'tags'],
      ['an object', { specifics: '[]' }, 'specifics'],
      ['nested text', { originEnvironment: { credentials: { location: {} } } }, 'originEnvironment.credentials.location'],
      ['an environment of one’s own', { originEnvironment: { id: UNKNOWN_ID } }, 'originEnvironment.id'],
    ])('a field that is not %s is named in a problem document', async (_, image, field) => {
      const { status, headers, body } = await ada.post<Problem>('/images', image);
      expect({ status, code: body.code, fields: body.fields?.map((one) => one.field) }).toEqual({
        status: 405,
        code: 'INVALID_INPUT',
        fields: [field],
      });
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(headers.get('allow')).toBe('GET, HEAD, POST, PUT');
    });

    test('media types, sizes, methods, paths', async () => {
      const statusOf = async (answer: ReturnType<ViceClient['request']>) => (await answer).status;
      expect(await statusOf(ada.get('/images', { accept: 'text/html' }))).toBe(406);
      expect(await statusOf(ada.request('POST', '/images', { json: {}, headers: { 'content-type': 'text/plain' } }))).toBe(415);
      expect(await statusOf(ada.post('/images', { description: 'x'.repeat(1024 * 1024) }))).toBe(413);
      expect(await statusOf(ada.request('PATCH', '/images', { json: {} }))).toBe(405);
      expect(await statusOf(ada.get('/nowhere'))).toBe(404);
      expect(await statusOf(ada.request('POST', '/images', { xml: '{', headers: { 'content-type': 'application/json' } }))).toBe(
        405,
      );
    });
  });

  test('search, paging, Link and X-Total-Count', async () => {
    const carol = await vice.newUser();
    for (let i = 0; i < 5; i++)
      await carol.createImage({
        title: `disk ${i}`,
        description: i === 3 ? 'with a compiler' : '',
        tags: [i % 2 ? 'odd' : 'even'],
      });
    const first = await carol.get<Image[]>('/images?limit=2&sort=title&tag=even');
    expect(first.body.map(({ title }) => title)).toEqual(['disk 0', 'disk 2']);
    expect(first.headers.get('x-total-count')).toBe('3');
    const next = /<\/v1([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await carol.get<Image[]>(next);
    expect(second.body.map(({ title }) => title)).toEqual(['disk 4']);
    expect(second.headers.get('link')).not.toContain('rel="next"');
    expect((await carol.get<Image[]>('/images?q=compiler')).body.map(({ title }) => title)).toEqual(['disk 3']);
    const wrong = await carol.get<Problem>('/images?limit=0&sort=colour');
    expect({ status: wrong.status, fields: wrong.body.fields?.map(({ field }) => field).sort() }).toEqual({
      status: 400,
      fields: ['limit', 'sort'],
    });
  });

  test('a public image is there for everyone, without what its origin is like inside', async () => {
    const { id } = await ada.createEnvironment({ ...SEED_ENVIRONMENT, title: 'inner' });
    const image = await ada.createImage({ title: 'public', visibility: 'public', originEnvironment: { id } });
    const seen = expectStatus(200, await anonymous.get<Image>(`/image/${image.id}`));
    expect(Object.keys(seen.originEnvironment ?? {}).sort()).toEqual(['managementlayer', 'runtimetechnology']);
    expect((await anonymous.get<Image[]>('/images')).body.map((one) => one.id)).toContain(image.id);
    expect((await bob.put<Problem>('/images', { id: image.id, title: 'mine' })).status).toBe(403);
    expect((await bob.delete(`/image/${image.id}`)).status).toBe(403);
  });
});
