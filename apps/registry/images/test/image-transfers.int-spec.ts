import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BlobCalls,
  EnvironmentCalls,
  ImageCalls,
  JobCalls,
  type Digest,
  type Image,
  type ImageDraft,
  type JobOutcome,
} from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';

const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64)}`;
const SIZE = 5;

await describeWith([postgres()], 'the content of images', () => {
  let vice: RunningRegistry;
  let user: string;
  let stranger: string;

  beforeAll(async () => {
    vice = await runRegistry({ variables: { VICE_LEASE_SECONDS: '30' } });
    user = await vice.newUser();
    stranger = await vice.newUser();
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  const create = (image: ImageDraft = {}) => vice.ask(ImageCalls.createImage, { userId: user, image });
  const get = (image: Image) => vice.ask(ImageCalls.getImage, { userId: user, imageId: image.id });
  const open = (image: Image, userId: string | null = user) =>
    vice.ask(ImageCalls.openContent, { userId, imageId: image.id, holder: `download-${randomUUID()}` });

  async function upload(image: Image, digest: Digest): Promise<void> {
    const writer = `upload-${randomUUID()}`;
    await vice.ask(ImageCalls.beginUpload, { userId: user, imageId: image.id });
    await vice.ask(BlobCalls.reserveBlob, { writer, digest, size: SIZE });
    await vice.ask(ImageCalls.commitUpload, { userId: user, imageId: image.id, writer, digest, size: SIZE });
    await vice.ask(BlobCalls.releaseHold, { holder: writer });
  }

  /** Plays the store worker: takes the newest inspection of the image and reports. */
  async function inspect(image: Image, outcome: JobOutcome) {
    const message = await vice.next('store', image.id);
    const claimed = await vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
    const progress = { bytesDone: SIZE, bytesTotal: SIZE, bytesPerSecond: 0 };
    await vice.ask(JobCalls.reportJob, { jobId: message.jobId, attempt: claimed.attempt, outcome, progress });
    return claimed.payload;
  }
  const found = (contentType: string): JobOutcome => ({
    kind: 'succeeded',
    result: { contentType, facts: {}, contentDigest: null },
  });
  const refused: JobOutcome = { kind: 'failed', code: 'CONTENT_REFUSED', message: 'hostile', transient: false };

  test('is there once it has passed inspection', async () => {
    const image = await create({ title: 'disk' });
    await upload(image, digestOf('1'));
    expect(await get(image)).toMatchObject({ status: 'importing', digest: null });
    await expect(open(image)).rejects.toMatchObject({ code: 'IMAGE_HAS_NO_CONTENT' });
    expect(await inspect(image, found('disk-raw'))).toEqual({ digest: digestOf('1'), size: SIZE, contentType: null });
    expect(await get(image)).toMatchObject({
      status: 'ready',
      imported: true,
      digest: digestOf('1'),
      size: SIZE,
      contenttype: 'disk-raw',
    });
    expect(await open(image)).toEqual({ digest: digestOf('1'), size: SIZE, contentType: 'disk-raw', title: 'disk' });
  });

  test('is inspected as what the user said it is, not as what was found the last time', async () => {
    const said = await create({ contenttype: 'disk-qcow2' });
    await upload(said, digestOf('2'));
    expect(await inspect(said, found('disk-qcow2'))).toMatchObject({ contentType: 'disk-qcow2' });
    const silent = await create();
    await upload(silent, digestOf('3'));
    await inspect(silent, found('disk-raw'));
    await upload(silent, digestOf('4'));
    expect(await inspect(silent, found('disk-vmdk'))).toMatchObject({ contentType: null });
    expect(await get(silent)).toMatchObject({ contenttype: 'disk-vmdk', digest: digestOf('4') });
  });

  test('stays while other content is on its way, and when that is refused', async () => {
    const image = await create();
    await upload(image, digestOf('5'));
    await inspect(image, found('disk-raw'));
    await upload(image, digestOf('6'));
    expect(await get(image)).toMatchObject({ status: 'importing', imported: false, digest: digestOf('5') });
    expect(await open(image)).toMatchObject({ digest: digestOf('5') });
    await inspect(image, refused);
    expect(await get(image)).toMatchObject({ status: 'failed', imported: false, digest: digestOf('5') });
    expect(await open(image)).toMatchObject({ digest: digestOf('5'), contentType: 'disk-raw' });
  });

  test('is that of the latest upload; the inspection of an earlier one is cancelled', async () => {
    const image = await create();
    await upload(image, digestOf('7'));
    await upload(image, digestOf('8'));
    const jobs = await vice.ask(JobCalls.jobsOfImage, { userId: user, imageId: image.id });
    expect(jobs.map(({ state }) => state)).toEqual(['queued', 'cancelled']);
  });

  test('is that of one upload, however many there are at once', async () => {
    const image = await create();
    await Promise.all([...'01234567'].map((digit) => upload(image, digestOf(digit))));
    const jobs = await vice.sql(
      `SELECT state, count(*)::int AS jobs FROM jobs WHERE image_id = '${image.id}' GROUP BY state ORDER BY state`,
    );
    expect(jobs).toEqual([
      { state: 'cancelled', jobs: 7 },
      { state: 'queued', jobs: 1 },
    ]);
    const [row] = await vice.sql(`SELECT i.generation, j.generation AS live FROM images i JOIN jobs j ON j.image_id = i.id
      WHERE i.id = '${image.id}' AND j.state = 'queued'`);
    expect(row).toEqual({ generation: 8, live: 8 });
  });

  test('may come to eight images at the same moment', async () => {
    for (const digit of 'def') {
      const images = await Promise.all(Array.from({ length: 8 }, () => create()));
      const began = performance.now();
      await Promise.all(images.map((image) => upload(image, digestOf(digit))));
      expect(performance.now() - began).toBeLessThan(5_000);
      expect(await vice.sql(`SELECT state FROM blobs WHERE digest = '${digestOf(digit)}'`)).toEqual([{ state: 'stored' }]);
    }
  });

  test('that is said to be something else while it is inspected is inspected as that', async () => {
    const image = await create({ contenttype: 'disk-raw' });
    await upload(image, digestOf('9'));
    await vice.next('store', image.id);
    const changed = await vice.ask(ImageCalls.updateImage, {
      userId: user,
      imageId: image.id,
      image: { contenttype: 'disk-qcow2' },
    });
    expect(changed).toMatchObject({ status: 'importing', contenttype: 'disk-qcow2' });
    expect(await inspect(image, found('disk-qcow2'))).toEqual({
      digest: digestOf('9'),
      size: SIZE,
      contentType: 'disk-qcow2',
    });
  });

  test('is inspected once where the same bytes came to two images: the second job waits for the first', async () => {
    const bytes = `sha256:${'ab'.repeat(32)}`;
    const [first, second] = [await create(), await create()];
    for (const image of [first, second]) await upload(image, bytes);
    const [running, waiting] = [await vice.next('store', first.id), await vice.next('store', second.id)];
    const refused = () =>
      expect(vice.ask(JobCalls.claimJob, { ...waiting, worker: 'another' })).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    const { attempt } = await vice.ask(JobCalls.claimJob, { ...running, worker: 'test' });
    await refused();
    expect(await vice.next('store', second.id)).toEqual(waiting);
    await refused();
    expect(await get(second)).toMatchObject({ status: 'importing' });
    const progress = { bytesDone: SIZE, bytesTotal: SIZE, bytesPerSecond: 0 };
    await vice.ask(JobCalls.reportJob, { jobId: running.jobId, attempt, outcome: found('disk-raw'), progress });
    expect(await vice.next('store', second.id)).toEqual(waiting);
    await refused(); // what the first found ends the second, too
    for (const image of [first, second]) expect(await get(image)).toMatchObject({ status: 'ready', contenttype: 'disk-raw' });
  });

  test('keeps what an environment says as far as it can be stored', async () => {
    const id = randomUUID();
    await vice.ask(EnvironmentCalls.createEnvironment, {
      userId: user,
      environment: { id, managementlayer: { software: 'docker' } },
    });
    const image = await create({ originEnvironment: { known: id }, environmentReference: 'hostile' });
    const message = await vice.next('import', image.id);
    await vice.ask(BlobCalls.reserveBlob, { writer: `${message.jobId}.1`, digest: digestOf('c'), size: SIZE });
    await vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
    const result = { digest: digestOf('c'), size: SIZE, contentType: null, name: `\0${'x'.repeat(300)}`, metadata: { a: '\0' } };
    const outcome: JobOutcome = { kind: 'succeeded', result };
    const progress = { bytesDone: SIZE, bytesTotal: SIZE, bytesPerSecond: 0 };
    await vice.ask(JobCalls.reportJob, { ...message, outcome, progress });
    expect(await get(image)).toMatchObject({
      status: 'importing',
      title: `\ufffd${'x'.repeat(254)}`,
      specifics: { docker: { a: '\ufffd' } },
    });
  });

  test('that nobody reserved is not taken', async () => {
    const image = await create();
    const upload = { userId: user, imageId: image.id, writer: 'upload-x', digest: digestOf('a'), size: SIZE };
    await expect(vice.ask(ImageCalls.commitUpload, upload)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    expect(await get(image)).toMatchObject({ status: 'empty' });
  });

  describe('that is downloaded', () => {
    const ready = async (draft: ImageDraft = {}) => {
      const image = await create(draft);
      await upload(image, digestOf('b'));
      await vice.sql(`UPDATE images SET status = 'ready', digest = '${digestOf('b')}', size = ${SIZE}, contenttype = 'disk-raw'
        WHERE id = '${image.id}'`);
      return image;
    };

    test('is pinned for the one who reads, for a while', async () => {
      const image = await ready();
      const holder = `download-${randomUUID()}`;
      await vice.ask(ImageCalls.openContent, { userId: user, imageId: image.id, holder });
      const pins = await vice.sql(
        `SELECT digest, expires_at > now() + interval '4 minutes' AS lasts FROM blob_pins WHERE holder = '${holder}'`,
      );
      expect(pins).toEqual([{ digest: digestOf('b'), lasts: true }]);
    });

    test('is anyone’s where the image is public', async () => {
      const image = await ready({ visibility: 'public' });
      expect(await open(image, stranger)).toMatchObject({ digest: digestOf('b') });
      expect(await open(image, null)).toMatchObject({ digest: digestOf('b') });
    });

    test('is the owner’s alone where it is private', async () => {
      const image = await ready();
      for (const viewer of [stranger, null]) await expect(open(image, viewer)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    });

    test('is not found under an unknown or malformed id', async () => {
      for (const imageId of ['00000000-0000-4000-8000-000000000000', 'x'])
        await expect(vice.ask(ImageCalls.openContent, { userId: user, imageId, holder: 'download-x' })).rejects.toMatchObject({
          code: 'IMAGE_NOT_FOUND',
        });
    });
  });
});
