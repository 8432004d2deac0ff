import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BlobCalls, EnvironmentCalls, EventCalls, ImageCalls, type Digest, type JobOutcome } from '#libs/contracts';
import { beginWork } from '#libs/observability';
import { describeWith, postgres } from '#libs/testing';
import { FailedPlace, REFUSED } from './failed-place.js';

const NOT_RETRYABLE = { code: 'JOB_NOT_RETRYABLE' };
const imported = (digest: Digest): JobOutcome => ({
  kind: 'succeeded',
  result: { digest, size: 7, contentType: 'disk-raw', name: null, metadata: {} },
});
const inspected: JobOutcome = { kind: 'succeeded', result: { contentType: 'disk-raw', facts: {}, contentDigest: null } };
const hostile: JobOutcome = { kind: 'failed', code: 'CONTENT_REFUSED', message: 'a backing file', transient: false };

await describeWith([postgres()], 'a failed job that brings content', () => {
  let place: FailedPlace;
  beforeAll(async () => void (place = await FailedPlace.open()));
  afterAll(async () => place[Symbol.asyncDispose]());

  it('is run again as it was, counts its attempts on, and brings the content', async () => {
    const { image, message } = await place.failedImport({ log: 'pulling\n' });
    const { startedAt, endedAt } = await place.job(message.jobId);
    expect([startedAt, endedAt]).toEqual([expect.any(String), expect.any(String)]);
    expect(await place.retry(message.jobId)).toMatchObject({
      ...{ id: message.jobId, state: 'queued', attempt: 1, error: null, bytesDone: 0, startedAt: null, endedAt: null },
      log: 'pulling\nattempt 1 failed with CREDENTIALS_REFUSED: wrong password\nrun again by its owner\n',
    });
    expect(await place.image(image)).toMatchObject({ status: 'importing', imported: false });
    const second = await place.vice.next('import', image.id);
    expect(second).toEqual({ ...message, attempt: 2 });
    expect(await place.claim(second)).toMatchObject({ marker: message.jobId, formerWriters: [`${message.jobId}.1`] });
    const digest = await place.blob();
    await place.report(second, imported(digest));
    const inspection = await place.vice.next('store', image.id);
    await place.claim(inspection);
    await place.report(inspection, inspected);
    expect(await place.image(image)).toMatchObject({ status: 'ready', digest });
  });

  it('has all its tries again, and fails again', async () => {
    const { image, message } = await place.failedImport();
    await place.vice.sql(`UPDATE jobs SET failures = 8, attempt = 8 WHERE id = '${message.jobId}'`);
    await place.retry(message.jobId);
    const ninth = await place.vice.next('import', image.id);
    expect(ninth.attempt).toBe(9);
    await place.claim(ninth);
    await place.report(ninth, { kind: 'failed', code: 'ENVIRONMENT_UNREACHABLE', message: 'no answer', transient: true });
    expect(await place.job(message.jobId)).toMatchObject({ state: 'queued', error: { code: 'ENVIRONMENT_UNREACHABLE' } });
    const tenth = await place.vice.next('import', image.id);
    await place.claim(tenth);
    await place.report(tenth, REFUSED);
    expect(await place.job(message.jobId)).toMatchObject({ state: 'failed', attempt: 10, error: { message: 'wrong password' } });
    expect(await place.image(image)).toMatchObject({ status: 'failed' });
  });

  it('is caused by the request that has it run again', async () => {
    const { image, message } = await place.failedImport();
    await beginWork({ requestId: 'again' }, () => place.retry(message.jobId));
    expect(await place.vice.next('import', image.id)).toEqual({ ...message, attempt: 2, requestId: 'again' });
  });

  it('refuses what a former attempt still reports', async () => {
    const { message } = await place.failedImport();
    await place.retry(message.jobId);
    await expect(place.report(message, REFUSED)).rejects.toMatchObject({ code: 'JOB_FENCED' });
  });

  it('is told of to its owner, whoever has it run again', async () => {
    const { image, message } = await place.failedImport();
    const { last } = await place.vice.ask(EventCalls.eventsSince, { userId: place.userId, after: null, limit: 100 });
    await place.retry(message.jobId, await place.administrator());
    const { events } = await place.vice.ask(EventCalls.eventsSince, { userId: place.userId, after: last, limit: 100 });
    expect(events).toEqual([
      expect.objectContaining({ type: 'job', data: expect.objectContaining({ id: message.jobId, state: 'queued' }) }),
      expect.objectContaining({ type: 'image', data: expect.objectContaining({ id: image.id, status: 'importing' }) }),
    ]);
    expect((await place.job(message.jobId)).log).toContain('run again by an administrator');
  });

  it('is run again once when two ask at once', async () => {
    const { message } = await place.failedImport();
    const tries = await Promise.allSettled(Array.from({ length: 5 }, () => place.retry(message.jobId)));
    const refused = tries.filter((one) => one.status === 'rejected').map(({ reason }) => reason as unknown);
    expect(refused).toEqual(Array.from({ length: 4 }, () => expect.objectContaining(NOT_RETRYABLE)));
  });

  it('is not run again while it is none that failed', async () => {
    const { message } = await place.importing();
    await expect(place.retry(message.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/it is queued/),
    });
    await place.claim(message);
    await expect(place.retry(message.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/it is running/),
    });
  });

  it('is not there for another user, nor where there is none', async () => {
    const { message } = await place.failedImport();
    const stranger = await place.vice.newUser();
    for (const [id, user] of [
      [message.jobId, stranger],
      [randomUUID(), place.userId],
      ['aeiou', place.userId],
    ] as const)
      await expect(place.retry(id, user)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect(await place.job(message.jobId)).toMatchObject({ state: 'failed' });
  });

  it('is void once the image is imported anew, uploaded anew or gone', async () => {
    const again = await place.failedImport();
    await place.vice.ask(ImageCalls.updateImage, { userId: place.userId, imageId: again.image.id, image: { title: 'again' } });
    await expect(place.retry(again.message.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/anew since/),
    });
    const gone = await place.failedImport();
    await place.vice.ask(ImageCalls.deleteImage, { userId: place.userId, imageId: gone.image.id });
    await expect(place.retry(gone.message.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/image does not exist/),
    });
  });

  it('or a change of the image at the same time runs it again, never both', async () => {
    for (let round = 0; round < 5; round++) {
      const { image, message } = await place.failedImport();
      const update = place.vice.ask(ImageCalls.updateImage, { userId: place.userId, imageId: image.id, image: { title: 'x' } });
      const [, retried] = await Promise.allSettled([update, place.retry(message.jobId)]);
      const live = (await place.imageJobs(image)).filter((job) => job.endsWith('queued'));
      expect({ retried: retried.status, live }).toEqual({ retried: retried.status, live: ['import queued'] });
      expect(await place.image(image)).toMatchObject({ status: 'importing' });
    }
  });

  it('is void once its environment is gone', async () => {
    const { message, environmentId } = await place.failedImport();
    await place.vice.ask(EnvironmentCalls.deleteEnvironment, { userId: place.userId, environmentId });
    await expect(place.retry(message.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/environment does not exist/),
    });
  });

  it('takes over the temporaries that were to be disposed of, and waits for a disposal that has begun', async () => {
    const { image, message } = await place.failedImport({ leftTemporaries: true });
    const disposal = await place.vice.next('import', image.id);
    await place.retry(message.jobId);
    expect(await place.imageJobs(image)).toEqual(['dispose cancelled', 'import queued']);
    await expect(place.claim(disposal)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    const second = await place.vice.next('import', image.id);
    await place.claim(second);
    await place.report(second, REFUSED);
    const next = await place.vice.next('import', image.id);
    await place.claim(next);
    await expect(place.retry(message.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/disposed of by job/),
    });
    await place.report(next, REFUSED);
    await place.retry(message.jobId);
    await expect(place.retry(next.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/needs what it would dispose of/),
    });
  });

  it('looks again at bytes that were refused, and keeps them from being collected', async () => {
    const { image, message, digest } = await place.inspecting();
    await place.claim(message);
    await place.report(message, hostile);
    expect(await place.image(image)).toMatchObject({ status: 'failed' });
    await place.retry(message.jobId);
    const second = await place.vice.next('store', image.id);
    expect(await place.claim(second)).toMatchObject({ digest });
    await place.report(second, inspected);
    expect(await place.image(image)).toMatchObject({ status: 'ready', digest });
  });

  it('keeps bytes that could not be inspected for as long as its image awaits them', async () => {
    const condemned = async () => {
      // The uploads hold the bytes no more.
      await place.vice.sql('DELETE FROM blob_pins');
      return (await place.vice.ask(BlobCalls.condemnBlobs, { limit: 1000 })).digests;
    };
    const failing = async (outcome: JobOutcome) => {
      const { image, message, digest } = await place.inspecting();
      await place.claim(message);
      await place.report(message, outcome);
      return { image, message, digest };
    };
    const away: JobOutcome = { kind: 'failed', code: 'UNAVAILABLE', message: 'the store is away', transient: false };
    const [kept, deleted, refused] = [await failing(away), await failing(away), await failing(hostile)];
    await place.vice.ask(ImageCalls.deleteImage, { userId: place.userId, imageId: deleted.image.id });
    const gone = await condemned();
    expect([kept, deleted, refused].map(({ digest }) => gone.includes(digest as Digest))).toEqual([false, true, true]);
    await place.retry(kept.message.jobId);
    const second = await place.vice.next('store', kept.image.id);
    await place.claim(second);
    await place.report(second, inspected);
    expect(await place.image(kept.image)).toMatchObject({ status: 'ready', digest: kept.digest });
    expect(await condemned()).not.toContain(kept.digest);
  });

  it('is void once the bytes are collected, and says what to do', async () => {
    const { message, digest } = await place.inspecting();
    await place.claim(message);
    await place.report(message, hostile);
    await place.condemn(digest);
    await expect(place.retry(message.jobId)).rejects.toMatchObject({
      ...NOT_RETRYABLE,
      message: expect.stringMatching(/upload the image again/),
    });
  });
});
