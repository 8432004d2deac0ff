import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ImageCalls, JobCalls, type Job } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { ConversionPlace, newContentDigest, SIZE } from '../../test/conversion-place.js';

await describeWith([postgres()], 'the variants of an image', () => {
  let place: ConversionPlace;
  beforeAll(async () => void (place = await ConversionPlace.open()));
  afterAll(async () => place[Symbol.asyncDispose]());

  /** The job that a download was answered with. */
  async function made(...asked: Parameters<ConversionPlace['download']>): Promise<Job> {
    const answer = await place.download(...asked);
    if ('content' in answer) throw new Error('the content is there already');
    return answer.job;
  }

  it('are its original, and what was made of it with how', async () => {
    const contentDigest = newContentDigest();
    const image = await place.image('disk-raw', { contentDigest });
    expect(await place.variants(image.id)).toEqual([
      { contenttype: 'disk-raw', digest: image.digest, size: SIZE, contentDigest, createdAt: expect.any(String) },
    ]);
    await made(image.id, 'disk-qcow2');
    const { result } = await place.convert(image);
    expect(await place.variants(image.id)).toEqual([
      expect.objectContaining({ digest: image.digest }),
      {
        ...{ contenttype: 'disk-qcow2', digest: result.digest, size: 5, contentDigest, derivedFrom: image.digest },
        ...{ recipe: 'disk-raw-to-disk-qcow2/1', tool: 'qemu-img 7.2.22', arguments: ['convert', '-O', 'disk-qcow2'] },
        createdAt: expect.any(String),
      },
    ]);
  });

  it('are shown to everyone of a public image, and to its owner alone of a private one', async () => {
    const [open, closed] = [await place.image('disk-raw', { visibility: 'public' }), await place.image('disk-raw')];
    expect(await place.variants(open.id, null)).toHaveLength(1);
    expect(await place.variants(closed.id)).toHaveLength(1);
    await expect(place.variants(closed.id, null)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    const { id } = await place.vice.ask(ImageCalls.createImage, { userId: place.userId, image: {} });
    expect(await place.variants(id)).toEqual([]);
  });

  it('tell nothing of when somebody else brought the same bytes', async () => {
    const { digest } = await place.image('disk-raw');
    await place.vice.sql(`UPDATE variants SET created_at = now() - interval '1 day' WHERE digest = '${digest}'`);
    const owner = await place.vice.newUser();
    const { id } = await place.image('disk-raw', { digest, owner });
    const { createdAt } = await place.vice.ask(ImageCalls.getImage, { userId: owner, imageId: id });
    expect(await place.variants(id, owner)).toEqual([expect.objectContaining({ digest, createdAt })]);
  });

  it('are downloaded where they are there, the original too, and pinned meanwhile', async () => {
    const image = await place.image('disk-raw');
    expect(await place.download(image.id, 'disk-raw', { userId: place.userId, make: false })).toEqual({
      content: { digest: image.digest, size: SIZE, contentType: 'disk-raw', title: 'Course' },
    });
    await made(image.id, 'disk-vmdk', { subformat: 'streamOptimized' });
    const { result } = await place.convert(image);
    expect(await place.download(image.id, 'disk-vmdk', { subformat: 'streamOptimized' })).toMatchObject({
      content: { digest: result.digest, contentType: 'disk-vmdk' },
    });
    const pins = await place.vice.sql(`SELECT holder FROM blob_pins WHERE digest = '${result.digest}'`);
    expect(pins).toEqual([{ holder: expect.stringMatching(/^download-/) }]);
  });

  it('are made once, whoever asks meanwhile', async () => {
    const image = await place.image('disk-raw', { visibility: 'public' });
    const stranger = await place.vice.newUser();
    const [one, two] = await Promise.all([made(image.id, 'disk-vmdk'), made(image.id, 'disk-vmdk', { userId: stranger })]);
    expect(two.id).toBe(one.id);
    expect(one).toMatchObject({ kind: 'store', action: 'convert', state: 'queued', bytesTotal: SIZE });
    expect((await made(image.id, 'disk-vmdk', { make: false })).id).toBe(one.id);
    expect((await made(image.id, 'disk-vmdk', { subformat: 'streamOptimized' })).id).not.toBe(one.id);
    const jobs = await place.vice.ask(JobCalls.jobsOfImage, { userId: place.userId, imageId: image.id });
    expect(jobs.map(({ id }) => id)).toContain(one.id);
  });

  it('are made in several steps where one is not enough', async () => {
    const image = await place.image('docker-image');
    const first = await made(image.id, 'disk-raw');
    await place.convert(image);
    const second = await made(image.id, 'disk-raw');
    expect(second).toMatchObject({ action: 'convert', state: 'queued' });
    expect(second.id).not.toBe(first.id);
    const { result } = await place.convert(image);
    expect(await place.download(image.id, 'disk-raw')).toMatchObject({ content: { digest: result.digest } });
  });

  it('are made for no one who has not logged in, and not where nobody asked for that', async () => {
    const image = await place.image('disk-raw', { visibility: 'public' });
    await expect(place.download(image.id, 'disk-qcow2', { userId: null })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(place.download(image.id, 'disk-qcow2', { make: false })).rejects.toMatchObject({ code: 'IMAGE_HAS_NO_CONTENT' });
    expect(await place.vice.sql(`SELECT FROM jobs WHERE image_id = '${image.id}'`)).toEqual([]);
    expect(await place.download(image.id, 'disk-raw', { userId: null })).toMatchObject({ content: { digest: image.digest } });
  });

  it('are refused where there is no way, and where it failed a short time ago, for any image of that content', async () => {
    const image = await place.image('disk-raw');
    await expect(place.download(image.id, 'packerfile')).rejects.toMatchObject({
      code: 'NOT_CONVERTIBLE',
      message: 'there is no way from disk-raw to packerfile',
    });
    await made(image.id, 'docker-image');
    const message = await place.vice.next('convert', image.id);
    await place.claim(message);
    await place.report(message, { kind: 'failed', code: 'CONTENT_REFUSED', message: 'no Linux on it', transient: false });
    const failed = { code: 'NOT_CONVERTIBLE', message: expect.stringContaining('no Linux on it') };
    await expect(place.download(image.id, 'docker-image')).rejects.toMatchObject(failed);
    const twin = await place.image('disk-raw', { digest: image.digest });
    await expect(place.download(twin.id, 'docker-image')).rejects.toMatchObject(failed);
    await place.vice.sql(`UPDATE jobs SET ended_at = now() - interval '11 minutes' WHERE id = '${message.jobId}'`);
    expect(await made(twin.id, 'docker-image')).toMatchObject({ state: 'queued' });
  });

  it('are not made any more of an image that was deleted', async () => {
    const image = await place.image('disk-raw');
    await made(image.id, 'disk-qcow2');
    const message = await place.vice.next('convert', image.id);
    await place.vice.ask(ImageCalls.deleteImage, { userId: place.userId, imageId: image.id });
    await expect(place.claim(message)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
  });

  it('are dropped where their original went before they were made', async () => {
    const image = await place.image('disk-raw');
    await made(image.id, 'disk-qcow2');
    const message = await place.vice.next('convert', image.id);
    const payload = await place.claim<Parameters<typeof place.made>[1]>(message);
    await place.vice.sql(`UPDATE blobs SET state = 'deleting' WHERE digest = '${image.digest}'`);
    const { digest } = await place.made(message, payload);
    expect(await place.vice.sql(`SELECT FROM variants WHERE digest = '${digest}'`)).toEqual([]);
  });
});

await describeWith([postgres()], 'the content digest of an image', () => {
  let place: ConversionPlace;
  beforeAll(async () => void (place = await ConversionPlace.open()));
  afterAll(async () => place[Symbol.asyncDispose]());

  const get = (imageId: string, userId: string | null = place.userId) => place.vice.ask(ImageCalls.getImage, { userId, imageId });

  it('tells other images of the same disk, among those that one may see', async () => {
    const contentDigest = newContentDigest();
    const owner = await place.vice.newUser();
    const mine = await place.image('disk-raw', { contentDigest });
    const open = await place.image('disk-qcow2', { contentDigest, owner, visibility: 'public' });
    const closed = await place.image('disk-vmdk', { contentDigest, owner });
    const container = await place.image('docker-image');
    expect(await get(mine.id)).toMatchObject({ contentDigest, sameDisk: [open.id] });
    expect(await get(open.id, owner)).toMatchObject({ sameDisk: [closed.id] });
    const alone = expect.not.objectContaining({ sameDisk: expect.anything() });
    expect(await get(open.id, null)).toMatchObject({ contentDigest });
    expect(await get(open.id, null)).toEqual(alone);
    expect(await get(container.id)).toEqual(alone);
    const find = (userId: string | null) =>
      place.vice.ask(ImageCalls.findImages, { userId, query: { contentDigest, limit: 10, sort: 'createdAt' } });
    const found = await find(place.userId);
    expect(found.images.map(({ id, contentDigest }) => [id, contentDigest])).toEqual([
      [mine.id, contentDigest],
      [open.id, contentDigest],
    ]);
    expect(found.total).toBe(2);
    expect((await find(null)).images.map(({ id }) => id)).toEqual([open.id]);
  });

  it('comes with the inspection, and is remembered; what an older release found is looked at again', async () => {
    const contentDigest = newContentDigest();
    const inspected = async (digest: string, found: { contentDigest: string } | null) => {
      const { id } = await place.vice.ask(ImageCalls.createImage, { userId: place.userId, image: { contenttype: 'disk-raw' } });
      const upload = { writer: `upload-${id}`, digest, size: SIZE };
      await place.vice.ask(ImageCalls.commitUpload, { userId: place.userId, imageId: id, ...upload });
      const message = await place.vice.next('store', id);
      if (!found) await expect(place.claim(message)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
      else {
        await place.claim(message);
        await place.report(message, { kind: 'succeeded', result: { contentType: 'disk-raw', facts: {}, ...found } });
      }
      return get(id);
    };
    const { digest } = await place.image('disk-raw');
    await place.vice.sql(
      `INSERT INTO inspections (digest, said_to_be, content_type) VALUES ('${digest}', 'disk-raw', 'disk-raw')`,
    );
    expect(await inspected(digest, { contentDigest })).toMatchObject({ status: 'ready', contentDigest });
    expect(await inspected(digest, null)).toMatchObject({ status: 'ready', contentDigest });
  });
});
