import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import {
  EnvironmentCalls,
  environmentSecret,
  ImageCalls,
  JobCalls,
  type EnvironmentDraft,
  type Image,
  type ImageDraft,
} from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';

const DIGEST = `sha256:${'1'.repeat(64)}`;
const UNKNOWN = '00000000-0000-4000-8000-000000000000';

await describeWith([postgres()], 'images', () => {
  let vice: RunningRegistry;
  let user: string;
  let stranger: string;
  let engine: string;

  beforeAll(async () => {
    vice = await runRegistry();
    user = await vice.newUser();
    stranger = await vice.newUser();
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${DIGEST}', 5, 'stored')`);
  });
  afterAll(async () => vice[Symbol.asyncDispose]());
  beforeEach(async () => {
    engine = await newEnvironment(user);
  });

  async function newEnvironment(userId: string): Promise<string> {
    const id = randomUUID();
    const environment: EnvironmentDraft = {
      id,
      title: 'engine',
      managementlayer: { software: 'docker' },
      credentials: {
        location: 'tcp://a:2376',
        username: 'ada',
        password: vice.box.seal('pass', environmentSecret(id, 'password')),
      },
    };
    await vice.ask(EnvironmentCalls.createEnvironment, { userId, environment });
    return id;
  }

  const create = (image: ImageDraft = {}, userId = user) => vice.ask(ImageCalls.createImage, { userId, image });
  const update = (imageId: string, image: ImageDraft, userId = user) =>
    vice.ask(ImageCalls.updateImage, { userId, imageId, image });
  const get = (imageId: string, userId: string | null = user) => vice.ask(ImageCalls.getImage, { userId, imageId });
  const jobsOf = (imageId: string) => vice.ask(JobCalls.jobsOfImage, { userId: user, imageId });
  const set = (image: Image, columns: string) => vice.sql(`UPDATE images SET ${columns} WHERE id = '${image.id}'`);
  const imported = () => ({ originEnvironment: { known: engine }, environmentReference: 'busybox' });
  const states = async (image: Image) => (await jobsOf(image.id)).map(({ action, state }) => `${action} ${state}`);
  const generation = async (image: Image) =>
    (await vice.sql(`SELECT generation FROM images WHERE id = '${image.id}'`))[0]?.['generation'];
  /** As if it had all been imported and let through. */
  async function makeReady(image: Image): Promise<void> {
    await vice.sql(`UPDATE jobs SET state = 'succeeded', ended_at = now() WHERE image_id = '${image.id}'`);
    await set(image, `status = 'ready', digest = '${DIGEST}', size = 5, contenttype = 'disk-raw'`);
  }

  test('need nothing to be created', async () => {
    expect(await create()).toEqual({
      id: expect.any(String),
      userid: user,
      title: null,
      description: null,
      tags: [],
      visibility: 'private',
      imagetype: null,
      contenttype: null,
      imported: false,
      status: 'empty',
      size: null,
      digest: null,
      contentDigest: null,
      originEnvironment: null,
      environmentReference: null,
      specifics: {},
      createdAt: expect.stringMatching(/Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    });
  });

  test('keep what was said of them', async () => {
    const said = {
      title: 'BusyBox',
      description: 'small',
      tags: ['tiny', 'größe'],
      visibility: 'public',
      imagetype: 'implicit',
      contenttype: 'docker-image',
      environmentReference: 'busybox:latest',
      specifics: { a: { b: [1, null] } },
    } as const;
    const image = await create({ ...said, tags: [...said.tags], specifics: { a: { b: [1, null] } } });
    expect(image).toMatchObject({ ...said, status: 'empty' });
    expect(await get(image.id)).toEqual(image);
  });

  test('are changed field by field; null clears', async () => {
    const image = await create({ title: 'a', description: 'b', tags: ['c'], visibility: 'public', specifics: { d: 1 } });
    expect(await update(image.id, { title: 'A' })).toEqual({ ...image, title: 'A', updatedAt: expect.any(String) });
    const cleared = await update(image.id, { description: null, tags: null, visibility: null, specifics: null });
    expect(cleared).toMatchObject({ title: 'A', description: null, tags: [], visibility: 'private', specifics: {} });
  });

  test('are deleted', async () => {
    const image = await create();
    await vice.ask(ImageCalls.deleteImage, { userId: user, imageId: image.id });
    await expect(get(image.id)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  describe('of others', () => {
    const calls: [string, (userId: string, imageId: string) => Promise<unknown>][] = [
      ['changed', (userId, imageId) => update(imageId, { title: 'mine' }, userId)],
      ['deleted', (userId, imageId) => vice.ask(ImageCalls.deleteImage, { userId, imageId })],
      ['filled', (userId, imageId) => vice.ask(ImageCalls.beginUpload, { userId, imageId })],
      [
        'given content',
        (userId, imageId) => vice.ask(ImageCalls.commitUpload, { userId, imageId, writer: 'upload-x', digest: DIGEST, size: 5 }),
      ],
      ['asked for their jobs', (userId, imageId) => vice.ask(JobCalls.jobsOfImage, { userId, imageId })],
    ];

    test.each(calls)('are not found to be %s where they are private', async (_, call) => {
      const { id } = await create();
      await expect(call(stranger, id)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
      expect(await get(id)).toMatchObject({ id, title: null, status: 'empty' });
    });

    test.each(calls)('are not to be %s where they are public', async (_, call) => {
      const { id } = await create({ visibility: 'public' });
      await expect(call(stranger, id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
      expect(await get(id)).toMatchObject({ id, title: null, status: 'empty' });
    });

    test.each(calls)('are not found to be %s where there are none', async (_, call) => {
      await expect(call(user, UNKNOWN)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
      await expect(call(user, "x' OR true")).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    });

    test.each([
      ['a stranger', () => stranger],
      ['anyone', () => null],
    ])('are read by %s where they are public, and tell only the kind of their origin', async (_, viewer) => {
      const image = await create({ ...imported(), title: 'shared', visibility: 'public' });
      expect(await get(image.id, viewer())).toEqual({
        ...image,
        originEnvironment: {
          managementlayer: { software: 'docker', type: null, version: null },
          runtimetechnology: null,
        },
      });
    });

    test('are not read where they are private, unknown or malformed', async () => {
      const { id } = await create();
      for (const [imageId, viewer] of [
        [id, stranger],
        [id, null],
        [UNKNOWN, user],
        ['x', user],
        ['x', null],
      ] as const)
        await expect(get(imageId, viewer)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    });
  });

  describe('from an environment', () => {
    test('are imported, and show their owner where they come from', async () => {
      const image = await create(imported());
      expect(image).toMatchObject({
        status: 'importing',
        imported: false,
        environmentReference: 'busybox',
        originEnvironment: { id: engine, userid: user, title: 'engine', credentials: { location: 'tcp://a:2376' } },
      });
      expect(JSON.stringify(image)).not.toContain('password');
      expect(await states(image)).toEqual(['import queued']);
    });

    test('without a reference, or with a reference alone, wait for an upload', async () => {
      for (const draft of [{ originEnvironment: { known: engine } }, { environmentReference: 'busybox' }]) {
        const image = await create(draft);
        expect(image.status).toBe('empty');
        expect(await states(image)).toEqual([]);
      }
    });

    test('which is another user’s, unknown or malformed, are refused, naming the field', async () => {
      const image = await create();
      for (const known of [await newEnvironment(stranger), UNKNOWN, 'x']) {
        const wrong = {
          code: 'INVALID_INPUT',
          fields: [{ field: 'originEnvironment.id', message: expect.any(String) }],
        };
        await expect(create({ originEnvironment: { known } })).rejects.toMatchObject(wrong);
        await expect(update(image.id, { title: 'new', originEnvironment: { known } })).rejects.toMatchObject(wrong);
      }
      expect(await get(image.id)).toEqual(image);
    });

    test('that is new are registered with it', async () => {
      const inline = { id: randomUUID(), managementlayer: { software: 'docker' }, credentials: { location: 'tcp://new:2376' } };
      const image = await create({ originEnvironment: { inline }, environmentReference: 'busybox' });
      expect(image).toMatchObject({ status: 'importing', originEnvironment: { id: inline.id } });
      const environment = await vice.ask(EnvironmentCalls.getEnvironment, { userId: user, environmentId: inline.id });
      expect(environment.credentials?.location).toBe('tcp://new:2376');
    });

    test.each<[string, Omit<EnvironmentDraft, 'id'>, string[]]>([
      ['nothing', {}, ['originEnvironment.credentials.location', 'originEnvironment.managementlayer']],
      ['no location', { managementlayer: { software: 'docker' } }, ['originEnvironment.credentials.location']],
      ['no management layer', { credentials: { location: 'tcp://new:2376' } }, ['originEnvironment.managementlayer']],
      [
        'an empty management layer',
        { credentials: { location: 'tcp://new:2376' }, managementlayer: {} },
        ['originEnvironment.managementlayer'],
      ],
    ])('that is described with %s are refused, naming what is missing', async (_, draft, fields) => {
      const inline = { id: randomUUID(), ...draft };
      const answer = create({ originEnvironment: { inline }, environmentReference: 'busybox' });
      await expect(answer).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        fields: fields.map((field) => expect.objectContaining({ field })),
      });
    });
  });

  describe('are imported again', () => {
    test('when the reference changed, and keep their content meanwhile', async () => {
      const image = await create(imported());
      await makeReady(image);
      const changed = await update(image.id, { environmentReference: 'alpine' });
      expect(changed).toMatchObject({ status: 'importing', imported: false, digest: DIGEST, size: 5, contenttype: 'disk-raw' });
      expect(await states(image)).toEqual(['import queued', 'import succeeded']);
      expect(await generation(image)).toBe(2);
    });

    test('when the origin changed, and the former import is cancelled', async () => {
      const image = await create(imported());
      await update(image.id, { originEnvironment: { known: await newEnvironment(user) } });
      expect(await states(image)).toEqual(['import queued', 'import cancelled']);
      expect(await get(image.id)).toMatchObject({ status: 'importing' });
    });

    test('when the last import failed', async () => {
      const image = await create(imported());
      await vice.sql(`UPDATE jobs SET state = 'failed', ended_at = now() WHERE image_id = '${image.id}'`);
      await set(image, `status = 'failed'`);
      expect(await update(image.id, {})).toMatchObject({ status: 'importing' });
      expect(await states(image)).toEqual(['import queued', 'import failed']);
    });

    test('not when they are sent as they are', async () => {
      const image = await create(imported());
      await makeReady(image);
      await update(image.id, { ...imported(), title: image.title, tags: image.tags });
      expect(await states(image)).toEqual(['import succeeded']);
      expect(await get(image.id)).toMatchObject({ status: 'ready', imported: true });
    });
  });

  test('whose origin goes while it is imported are what they were', async () => {
    const image = await create(imported());
    expect(await update(image.id, { originEnvironment: null })).toMatchObject({ status: 'empty', originEnvironment: null });
    expect(await states(image)).toEqual(['import cancelled']);
  });

  test('that are deleted have their imports cancelled, and their events say so', async () => {
    const image = await create(imported());
    await vice.ask(ImageCalls.deleteImage, { userId: user, imageId: image.id });
    const jobs = await vice.sql(`SELECT state FROM jobs WHERE image_id = '${image.id}'`);
    expect(jobs).toEqual([{ state: 'cancelled' }]);
  });

  test('that are deleted leave their deployments', async () => {
    const image = await create();
    await makeReady(image);
    const id = randomUUID();
    await vice.sql(`INSERT INTO deployments (id, user_id, image_id, environment_id, digest, size, content_type, status)
      VALUES ('${id}', '${user}', '${image.id}', '${engine}', '${DIGEST}', 5, 'disk-raw', 'deployed')`);
    await vice.ask(ImageCalls.deleteImage, { userId: user, imageId: image.id });
    expect(await vice.sql(`SELECT image_id FROM deployments WHERE id = '${id}'`)).toEqual([{ image_id: image.id }]);
  });

  describe('said to be of another content type', () => {
    test('are looked at again, and show what they are until then', async () => {
      const image = await create({ contenttype: 'disk-raw' });
      await makeReady(image);
      const changed = await update(image.id, { contenttype: 'disk-qcow2' });
      expect(changed).toMatchObject({ status: 'importing', contenttype: 'disk-raw', digest: DIGEST });
      const jobs = await vice.sql(`SELECT digest, details FROM jobs WHERE image_id = '${image.id}'`);
      expect(jobs).toEqual([{ digest: DIGEST, details: { contentType: 'disk-qcow2', size: 5 } }]);
    });

    test('before they have content show it at once', async () => {
      const image = await create({ contenttype: 'disk-raw' });
      expect(await update(image.id, { contenttype: 'disk-qcow2' })).toMatchObject({ contenttype: 'disk-qcow2', status: 'empty' });
      expect(await states(image)).toEqual([]);
    });
  });

  test('are told of as events when they are created, changed and deleted', async () => {
    const image = await create({ title: 'a' });
    await update(image.id, { title: 'b' });
    await vice.ask(ImageCalls.deleteImage, { userId: user, imageId: image.id });
    const events = await vice.sql(`SELECT change FROM events WHERE change->'data'->>'id' = '${image.id}' ORDER BY id`);
    expect(events.map(({ change }) => change)).toMatchObject([
      { type: 'image', data: { title: 'a', userid: user } },
      { type: 'image', data: { title: 'b' } },
      { type: 'image-deleted', data: { id: image.id } },
    ]);
  });
});
