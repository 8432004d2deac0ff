import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  DeploymentCalls,
  EnvironmentCalls,
  environmentSecret,
  ImageCalls,
  JobCalls,
  RemoteCalls,
  StatsCalls,
  UserCalls,
} from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { projectRoot } from '#libs/testing';
import { DEPLOYMENT, DEPLOYMENT_ID, ENVIRONMENT, ENVIRONMENT_ID, IMAGE, IMAGE_ID, JOB, VARIANTS } from './fixtures.js';
import { ADA, TestGateway } from './test-gateway.js';

const STATS = { importsPending: 0, importWorker: 1, exportsPending: 2, exportWorker: 3, storePending: 4, storeWorker: 5 };
const REMOTE = { reference: 'r', name: 'n', contenttype: null, size: 5, createdAt: null, importable: false, reason: 'why' };

describe('operations', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await TestGateway.start();
    gateway
      .answer(UserCalls.getUser, () => ADA)
      .answer(EnvironmentCalls.findEnvironments, () => [ENVIRONMENT])
      .answer(EnvironmentCalls.createEnvironment, () => ENVIRONMENT)
      .answer(EnvironmentCalls.updateEnvironment, () => ENVIRONMENT)
      .answer(EnvironmentCalls.getEnvironment, () => ENVIRONMENT)
      .answer(EnvironmentCalls.deleteEnvironment, () => ({}))
      .answer(RemoteCalls.checkEnvironment, () => ({ ok: false, message: 'no answer' }))
      .answer(RemoteCalls.listRemoteImages, () => ({ images: [REMOTE], next: 'p2' }))
      .answer(ImageCalls.findImages, () => ({ images: [IMAGE], next: 'c2', total: 1234 }))
      .answer(ImageCalls.createImage, () => IMAGE)
      .answer(ImageCalls.updateImage, () => IMAGE)
      .answer(ImageCalls.getImage, () => IMAGE)
      .answer(ImageCalls.deleteImage, () => ({}))
      .answer(ImageCalls.findVariants, () => VARIANTS)
      .answer(JobCalls.jobsOfImage, () => [JOB])
      .answer(JobCalls.jobsOfDeployment, () => [JOB])
      .answer(DeploymentCalls.deployImage, () => DEPLOYMENT)
      .answer(DeploymentCalls.findDeployments, () => [DEPLOYMENT])
      .answer(DeploymentCalls.getDeployment, () => DEPLOYMENT)
      .answer(DeploymentCalls.deleteDeployment, () => ({}))
      .answer(StatsCalls.runtimeStats, () => STATS);
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const environment = { title: 'e', credentials: { password: 'p', specifics: { ca: 'c', key: 'k' } } };
  const deployment = { imageid: IMAGE_ID, environmentId: ENVIRONMENT_ID };

  it.each([
    ['GET', '/v1/user', undefined, 200, ADA],
    ['GET', '/v1/environments', undefined, 200, [ENVIRONMENT]],
    ['POST', '/v1/environments', environment, 201, ENVIRONMENT],
    ['PUT', '/v1/environments', { ...environment, id: ENVIRONMENT_ID }, 201, ENVIRONMENT],
    ['GET', `/v1/environment/${ENVIRONMENT_ID}`, undefined, 200, ENVIRONMENT],
    ['POST', `/v1/environment/${ENVIRONMENT_ID}/check`, undefined, 200, { ok: false, message: 'no answer' }],
    ['GET', `/v1/environment/${ENVIRONMENT_ID}/images`, undefined, 200, [REMOTE]],
    ['GET', '/v1/images', undefined, 200, [IMAGE]],
    ['POST', '/v1/images', { title: 't' }, 201, IMAGE],
    ['PUT', '/v1/images', { id: IMAGE_ID }, 201, IMAGE],
    ['GET', `/v1/image/${IMAGE_ID}`, undefined, 200, IMAGE],
    ['GET', `/v1/image/${IMAGE_ID.toUpperCase()}`, undefined, 200, IMAGE],
    ['GET', `/v1/image/${IMAGE_ID}/jobs`, undefined, 200, [JOB]],
    ['GET', `/v1/image/${IMAGE_ID}/variants`, undefined, 200, VARIANTS],
    ['POST', '/v1/deploy', deployment, 201, DEPLOYMENT],
    ['GET', '/v1/deployments', undefined, 200, [DEPLOYMENT]],
    ['GET', `/v1/deployment/${DEPLOYMENT_ID}`, undefined, 200, DEPLOYMENT],
    ['GET', `/v1/deployment/${DEPLOYMENT_ID}/jobs`, undefined, 200, [JOB]],
    ['GET', '/v1/runtimestats', undefined, 200, STATS],
  ] as const)('%s %s', async (method, path, body, status, expected) => {
    const answer = method === 'GET' || !body ? await gateway.ask(path, { method }) : await gateway.send(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.json()).toEqual(expected);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
  });

  it.each([`/v1/environment/${ENVIRONMENT_ID}`, `/v1/image/${IMAGE_ID}`, `/v1/deployment/${DEPLOYMENT_ID}`])(
    'DELETE %s answers with nothing',
    async (path) => expect(await gateway.ask(path, { method: 'DELETE' })).toMatchObject({ status: 200, text: '' }),
  );

  it('HEAD has the headers and no body', async () => {
    const answer = await gateway.ask(`/v1/image/${IMAGE_ID}`, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, text: '' });
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(100);
  });

  it('hands on filters, pages and totals', async () => {
    await gateway.ask('/v1/environments?filterManagementlayer=Docker&filterRuntimetechnology=runc&x=y');
    expect(gateway.askedOf(EnvironmentCalls.findEnvironments).at(-1)).toEqual({
      userId: ADA.id,
      managementlayer: 'Docker',
      runtimetechnology: 'runc',
    });
    const images = await gateway.ask('/v1/images?tag=a&limit=1');
    expect(images.headers).toMatchObject({
      link: '</v1/images?tag=a&limit=1&cursor=c2>; rel="next", </v1/images?tag=a&limit=1>; rel="first"',
      'x-total-count': '1234',
    });
    const remote = await gateway.ask(`/v1/environment/${ENVIRONMENT_ID}/images?page=p1`);
    expect(remote.headers['link']).toContain('page=p2>; rel="next"');
    await gateway.ask(`/v1/deployment/${DEPLOYMENT_ID}?forget=true`, { method: 'DELETE' });
    expect(gateway.askedOf(DeploymentCalls.deleteDeployment).at(-1)).toMatchObject({ forget: true });
  });

  it('lets no secret cross the broker', async () => {
    await gateway.send('POST', '/v1/environments', {
      credentials: { password: 'sesame1', specifics: { ca: 'c', key: 'sesame2' } },
    });
    const [asked] = gateway.askedOf(EnvironmentCalls.createEnvironment).slice(-1);
    expect(JSON.stringify(asked)).not.toContain('sesame');
    const { id = '', credentials } = asked?.environment ?? {};
    expect(gateway.box.open(credentials?.password ?? '', environmentSecret(id, 'password'))).toBe('sesame1');
    expect(gateway.box.open(credentials?.secrets?.['key'] ?? '', environmentSecret(id, 'key'))).toBe('sesame2');
    expect(credentials?.specifics).toEqual({ ca: 'c' });
  });

  it.each([
    ['GET', '/v1/image/42', 'IMAGE_NOT_FOUND'],
    ['DELETE', '/v1/image/42', 'IMAGE_NOT_FOUND'],
    ['GET', '/v1/image/42/jobs', 'IMAGE_NOT_FOUND'],
    ['GET', '/v1/image/42/file', 'IMAGE_NOT_FOUND'],
    ['GET', '/v1/image/42/variants', 'IMAGE_NOT_FOUND'],
    ['POST', '/v1/image/42/file', 'IMAGE_NOT_FOUND'],
    ['GET', `/v1/image/${IMAGE_ID}x`, 'IMAGE_NOT_FOUND'],
    ['GET', `/v1/image/${'x'.repeat(500)}`, 'IMAGE_NOT_FOUND'],
    ['GET', `/v1/image/${'x'.repeat(2000)}`, 'NOT_FOUND'],
    ['GET', '/v1/image/%ZZ', 'NOT_FOUND'],
    ['GET', '/v1/environment/x', 'ENVIRONMENT_NOT_FOUND'],
    ['DELETE', '/v1/environment/x', 'ENVIRONMENT_NOT_FOUND'],
    ['POST', '/v1/environment/x/check', 'ENVIRONMENT_NOT_FOUND'],
    ['GET', '/v1/environment/x/images', 'ENVIRONMENT_NOT_FOUND'],
    ['GET', '/v1/deployment/x', 'DEPLOYMENT_NOT_FOUND'],
    ['DELETE', '/v1/deployment/x', 'DEPLOYMENT_NOT_FOUND'],
    ['GET', '/v1/deployment/x/jobs', 'DEPLOYMENT_NOT_FOUND'],
    ['GET', '/v1/job/x', 'JOB_NOT_FOUND'],
    ['POST', '/v1/job/x/retry', 'JOB_NOT_FOUND'],
    ['GET', '/v1/nothing', 'NOT_FOUND'],
    ['GET', '/', 'NOT_FOUND'],
  ])('404: %s %s', async (method, path, code) => {
    const answer = await gateway.ask(path, { method });
    expect(answer).toMatchObject({
      status: 404,
      headers: { 'content-type': expect.stringContaining('application/problem+json') },
    });
    expect(answer.json()).toMatchObject({ code, status: 404, type: 'about:blank' });
  });

  it.each([
    ['/v1/images', 'images'],
    ['/v1/environments', 'environments'],
  ])('PUT %s wants an id: without one 405, with a malformed one 404', async (path) => {
    const without = await gateway.send('PUT', path, { title: 'x' });
    expect(without.status).toBe(405);
    expect(without.json()).toMatchObject({ fields: [{ field: 'id' }] });
    expect((await gateway.send('PUT', path, { id: 'x' })).status).toBe(404);
    expect((await gateway.send('PUT', path, { id: 7 })).status).toBe(404);
    expect((await gateway.send('PUT', path, { id: null })).status).toBe(405);
  });

  it.each([
    ['/v1/images?limit=0&sort=x', ['limit', 'sort']],
    ['/v1/images?contentDigest=x', ['contentDigest']],
    [`/v1/image/${IMAGE_ID}/file?contenttype=iso&subformat=flat`, ['contenttype', 'subformat']],
    ['/v1/images?q=a&q=b', ['q']],
    ['/v1/environments?filterManagementlayer=%00', ['filterManagementlayer']],
  ])('400 names every query parameter at fault: %s', async (path, names) => {
    const answer = await gateway.ask(path);
    expect(answer.status).toBe(400);
    expect((answer.json() as { fields: { field: string }[] }).fields.map(({ field }) => field)).toEqual(names);
  });

  it.each([
    [new ViceError('FORBIDDEN', 'not yours'), 403, {}],
    [new ViceError('USERNAME_TAKEN', 'taken'), 409, {}],
    [new ViceError('UNAVAILABLE', 'no answer', { retryAfter: 2.4 }), 503, { 'retry-after': '3' }],
    [new ViceError('UNAVAILABLE', 'no answer'), 503, { 'retry-after': '5' }],
    [new ViceError('STORAGE_FULL', 'full'), 507, {}],
    [new ViceError('INVALID_INPUT', 'x: y', { fields: [{ field: 'x', message: 'y' }] }), 405, { allow: 'DELETE, GET, HEAD' }],
  ])('hands on what another service raised: %s', async (error, status, headers) => {
    gateway.answer(ImageCalls.getImage, () => Promise.reject(error));
    const answer = await gateway.ask(`/v1/image/${IMAGE_ID}`);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(headers);
    expect(answer.json()).toMatchObject({ code: error.code, detail: error.message, status });
  });

  it('hides what nobody foresaw', async () => {
    gateway.answer(ImageCalls.getImage, () => Promise.reject(new ViceError('INTERNAL', 'password of the database')));
    const answer = await gateway.ask(`/v1/image/${IMAGE_ID}`);
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('database');
  });

  it('names requests', async () => {
    const id = async (sent?: string) =>
      (await gateway.ask('/v1/user', { headers: sent ? { 'x-request-id': sent } : {} })).headers['x-request-id'];
    expect(await id('abc-1')).toBe('abc-1');
    expect(await id('a b"c')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await id()).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('asks for a login everywhere but where the document says otherwise', async () => {
    const { paths } = (await gateway.ask('/openapi.json', { anonymous: true })).json() as {
      paths: Record<string, Record<string, { operationId: string; security?: object[] }>>;
    };
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(operations)) {
        const filled = path.replace(/\{\w+\}/g, IMAGE_ID);
        const { status } = await gateway.ask(filled, { method: method.toUpperCase(), anonymous: true });
        const open = security?.length === 0 || security?.some((one) => Object.keys(one).length === 0);
        expect([path, method, status === 401]).toEqual([path, method, !open]);
      }
    }
  });

  it('serves the document that is checked in', async () => {
    const served = (await gateway.ask('/openapi.json', { anonymous: true })).json();
    const checkedIn = JSON.parse(await readFile(join(projectRoot, 'openapi.json'), 'utf8')) as unknown;
    // Stale? npm run openapi
    expect(served).toEqual(checkedIn);
  });

  it('shows its health and its page without a login', async () => {
    const open = (path: string) => gateway.ask(path, { anonymous: true });
    expect(await open('/health/live')).toMatchObject({ status: 200 });
    expect((await open('/health/ready')).json()).toMatchObject({ status: 'up' });
    expect((await open('/docs')).text).toContain('<title>ViCE Image Registry</title>');
    expect((await open('/docs/swagger-ui-bundle.js')).body.length).toBeGreaterThan(500_000);
  });
});
