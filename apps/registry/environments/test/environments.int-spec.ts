import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  EnvironmentCalls,
  environmentSecret,
  EventCalls,
  ImageCalls,
  JobCalls,
  type Environment,
  type EnvironmentDraft,
} from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';

const DIGEST = `sha256:${'e'.repeat(64)}`;

await describeWith([postgres()], 'environments', () => {
  let vice: RunningRegistry;
  let user: string;
  let stranger: string;

  beforeAll(async () => {
    vice = await runRegistry();
    stranger = await vice.newUser();
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${DIGEST}', 5, 'stored')`);
  });
  afterAll(async () => vice[Symbol.asyncDispose]());
  beforeEach(async () => {
    user = await vice.newUser();
  });

  const create = (draft: Omit<EnvironmentDraft, 'id'> = {}, id: string = randomUUID()) =>
    vice.ask(EnvironmentCalls.createEnvironment, { userId: user, environment: { id, ...draft } });
  const update = (id: string, draft: Omit<EnvironmentDraft, 'id'>) =>
    vice.ask(EnvironmentCalls.updateEnvironment, { userId: user, environment: { id, ...draft } });
  const get = (environmentId: string) => vice.ask(EnvironmentCalls.getEnvironment, { userId: user, environmentId });
  const open = (environmentId: string) => vice.ask(EnvironmentCalls.openEnvironment, { userId: user, environmentId });
  const remove = (environmentId: string) => vice.ask(EnvironmentCalls.deleteEnvironment, { userId: user, environmentId });
  const find = (filters: { managementlayer?: string; runtimetechnology?: string } = {}) =>
    vice.ask(EnvironmentCalls.findEnvironments, { userId: user, ...filters });

  async function createEngine() {
    const id = randomUUID();
    const seal = (key: string, plain: string) => vice.box.seal(plain, environmentSecret(id, key));
    const sealed = { password: seal('password', 'pass'), key: seal('key', 'PEM') };
    const environment = await create(
      {
        title: 'engine',
        managementlayer: { software: 'docker', type: 'basic' },
        credentials: {
          location: 'tcp://a:2376',
          username: 'ada',
          password: sealed.password,
          specifics: { ca: 'CA' },
          secrets: { key: sealed.key },
        },
      },
      id,
    );
    return { environment, sealed };
  }

  test('are created, and answered without their secrets', async () => {
    const { environment, sealed } = await createEngine();
    expect(environment).toEqual({
      id: environment.id,
      title: 'engine',
      userid: user,
      credentials: { location: 'tcp://a:2376', username: 'ada', specifics: { ca: 'CA' } },
      managementlayer: { type: 'basic', software: 'docker', version: null },
      runtimetechnology: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/),
      updatedAt: expect.any(String),
    });
    expect(await get(environment.id!)).toEqual(environment);
    expect(JSON.stringify(environment)).not.toContain(sealed.key);
  });

  test('need nothing to be created', async () => {
    expect(await create()).toMatchObject({ title: null, managementlayer: null, credentials: { location: null, specifics: {} } });
  });

  test('are opened for workers with their secrets as they came', async () => {
    const { environment, sealed } = await createEngine();
    expect(await open(environment.id!)).toEqual({
      id: environment.id,
      software: 'docker',
      location: 'tcp://a:2376',
      username: 'ada',
      password: sealed.password,
      specifics: { ca: 'CA' },
      secrets: { key: sealed.key },
    });
  });

  test('are changed field by field, and keep the secrets that are not named', async () => {
    const { environment, sealed } = await createEngine();
    const changed = await update(environment.id!, {
      title: null,
      managementlayer: { version: '26.1' },
      credentials: { location: 'tcp://b:2376', specifics: { cert: 'CERT' } },
    });
    expect(changed).toMatchObject({
      title: null,
      managementlayer: { type: 'basic', software: 'docker', version: '26.1' },
      credentials: { location: 'tcp://b:2376', username: 'ada', specifics: { cert: 'CERT' } },
      createdAt: environment.createdAt,
    });
    expect(await open(environment.id!)).toMatchObject({ password: sealed.password, secrets: { key: sealed.key } });
    await update(environment.id!, { credentials: { secrets: { KEY: null }, password: null } });
    expect(await open(environment.id!)).toMatchObject({ password: null, secrets: {} });
  });

  test('are listed for their owner alone, oldest first, by software or type', async () => {
    const engine = await create({ managementlayer: { software: 'Docker', type: 'basic' } });
    const cloud = await create({
      managementlayer: { software: 'openstack', type: 'cloudcomputing' },
      runtimetechnology: { type: 'virtualmachine' },
    });
    const ids = (environments: Environment[]) => environments.map(({ id }) => id);
    expect(ids(await find())).toEqual([engine.id, cloud.id]);
    expect(ids(await find({ managementlayer: 'docker' }))).toEqual([engine.id]);
    expect(ids(await find({ managementlayer: 'CloudComputing' }))).toEqual([cloud.id]);
    expect(ids(await find({ runtimetechnology: 'VIRTUALMACHINE', managementlayer: 'openstack' }))).toEqual([cloud.id]);
    expect(ids(await find({ managementlayer: 'docker', runtimetechnology: 'virtualmachine' }))).toEqual([]);
    expect(await vice.ask(EnvironmentCalls.findEnvironments, { userId: stranger })).toEqual([]);
  });

  describe.each([
    ['a stranger', async () => ({ userId: stranger, environmentId: (await create()).id! })],
    ['an unknown id', async () => ({ userId: user, environmentId: randomUUID() })],
    ['a malformed id', async () => ({ userId: user, environmentId: "x' OR true" })],
    [
      'a deleted one',
      async () => {
        const { id } = await create();
        await remove(id!);
        return { userId: user, environmentId: id! };
      },
    ],
  ])('are not found by %s', (_, request) => {
    const notFound = { code: 'ENVIRONMENT_NOT_FOUND' };
    test('to be read', async () => {
      await expect(vice.ask(EnvironmentCalls.getEnvironment, await request())).rejects.toMatchObject(notFound);
    });
    test('to be opened', async () => {
      await expect(vice.ask(EnvironmentCalls.openEnvironment, await request())).rejects.toMatchObject(notFound);
    });
    test('to be changed', async () => {
      const { userId, environmentId } = await request();
      const environment = { id: environmentId, title: 'mine' };
      await expect(vice.ask(EnvironmentCalls.updateEnvironment, { userId, environment })).rejects.toMatchObject(notFound);
    });
    test('to be deleted', async () => {
      await expect(vice.ask(EnvironmentCalls.deleteEnvironment, await request())).rejects.toMatchObject(notFound);
    });
  });

  describe('are deleted', () => {
    const rowsOf = (id: string) => vice.sql(`SELECT id FROM environments WHERE id = '${id}'`);
    const importFrom = (id: string) =>
      vice.ask(ImageCalls.createImage, {
        userId: user,
        image: { originEnvironment: { known: id }, environmentReference: 'busybox' },
      });
    const imageNow = (imageId: string) => vice.ask(ImageCalls.getImage, { userId: user, imageId });

    test('with all that was known of them', async () => {
      const { environment } = await createEngine();
      await remove(environment.id!);
      expect(await find()).toEqual([]);
      expect(await rowsOf(environment.id!)).toEqual([]);
    });

    test('not while deployments stand in them', async () => {
      const { id } = await create();
      await vice.sql(`INSERT INTO deployments (id, user_id, image_id, environment_id, digest, size, content_type, status)
        VALUES ('${randomUUID()}', '${user}', '${randomUUID()}', '${id}', '${DIGEST}', 5, 'disk-raw', 'failed')`);
      await expect(remove(id!)).rejects.toMatchObject({
        code: 'ENVIRONMENT_IN_USE',
        message: expect.stringContaining('1 deployment'),
      });
      expect(await get(id!)).toMatchObject({ id });
    });

    test('and an import that waits is cancelled; the image is empty again and has no origin', async () => {
      const { id } = await create();
      const image = await importFrom(id!);
      await vice.next('import', image.id);
      await remove(id!);
      expect(await imageNow(image.id)).toMatchObject({ status: 'empty', originEnvironment: null, imported: false });
      expect(await vice.ask(JobCalls.jobsOfImage, { userId: user, imageId: image.id })).toMatchObject([{ state: 'cancelled' }]);
      expect(await rowsOf(id!)).toEqual([]);
    });

    test('and an image that is imported again keeps its content', async () => {
      const { id } = await create();
      const image = await importFrom(id!);
      await vice.sql(`UPDATE images SET digest = '${DIGEST}', size = 5 WHERE id = '${image.id}'`);
      await remove(id!);
      expect(await imageNow(image.id)).toMatchObject({ status: 'ready', digest: DIGEST, originEnvironment: null });
    });

    test('and an upload that is being inspected goes on', async () => {
      const { id } = await create();
      const image = await vice.ask(ImageCalls.createImage, { userId: user, image: { originEnvironment: { known: id! } } });
      const upload = { userId: user, imageId: image.id, writer: 'upload-1', digest: DIGEST, size: 5 };
      await vice.ask(ImageCalls.commitUpload, upload);
      await remove(id!);
      expect(await imageNow(image.id)).toMatchObject({ status: 'importing', originEnvironment: null });
      expect(await vice.ask(JobCalls.jobsOfImage, { userId: user, imageId: image.id })).toMatchObject([{ state: 'queued' }]);
    });

    test('and their images tell so', async () => {
      const { id } = await create();
      const image = await importFrom(id!);
      const { last } = await vice.ask(EventCalls.eventsSince, { userId: user, after: null, limit: 100 });
      await remove(id!);
      const { events } = await vice.ask(EventCalls.eventsSince, { userId: user, after: last, limit: 100 });
      expect(events.at(-1)).toMatchObject({ type: 'image', data: { id: image.id, originEnvironment: null, status: 'empty' } });
    });
  });
});
