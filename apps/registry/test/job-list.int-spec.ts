import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { JobCalls, type Job, type JobQuery } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { FailedPlace } from './failed-place.js';

await describeWith([postgres()], 'the list of jobs', () => {
  let place: FailedPlace;
  let administrator: string;
  beforeAll(async () => {
    place = await FailedPlace.open();
    administrator = await place.administrator();
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  const find = (query: Partial<JobQuery> = {}, userId = place.userId) =>
    place.vice.ask(JobCalls.findJobs, { userId, query: { limit: 100, ...query } });
  const ids = (jobs: Job[]) => jobs.map(({ id }) => id);
  const collecting = () =>
    place.vice.sql(
      `INSERT INTO jobs (id, kind, queue, action, state, error_code, ended_at) VALUES ('${randomUUID()}', 'store', 'store', 'collect', 'failed', 'INTERNAL', now())`,
    );

  it('has a user’s own, newest first, with all that they are for', async () => {
    const [first, second] = [await place.failedImport(), await place.importing()];
    const { jobs, total, next } = await find();
    expect(jobs).toEqual([
      expect.objectContaining({ id: second.message.jobId, state: 'queued' }),
      expect.objectContaining({
        ...{ id: first.message.jobId, state: 'failed', userid: place.userId, imageid: first.image.id, deploymentid: null },
        ...{ environmentId: first.environmentId, deadLetters: null },
      }),
    ]);
    expect({ total, next }).toEqual({ total: 2, next: null });
    expect(await find({}, await place.vice.newUser())).toEqual({ jobs: [], next: null, total: 0 });
  });

  it('is filtered by everything', async () => {
    const { message, image, environmentId } = await place.failedImport();
    const { message: inspection } = await place.inspecting();
    const only = async (query: Partial<JobQuery>) => ids((await find(query)).jobs);
    for (const query of [{ imageId: image.id }, { environmentId }, { state: 'failed', imageId: image.id }] as const)
      expect(await only(query)).toEqual([message.jobId]);
    expect(await only({ kind: 'store' })).toEqual([inspection.jobId]);
    expect(await only({ action: 'inspect' })).toEqual([inspection.jobId]);
    expect(await only({ state: 'failed', kind: 'store' })).toEqual([]);
    expect(await only({ deploymentId: randomUUID() })).toEqual([]);
    expect(await only({ deadLettered: true })).toEqual([]);
    expect(await only({ deadLettered: false })).toContain(message.jobId);
  });

  it('is of everybody for an administrator, with what the service does for itself, and of one whom they name', async () => {
    await collecting();
    const stranger = await place.vice.newUser();
    const all = await find({}, administrator);
    expect(all.jobs).toContainEqual(expect.objectContaining({ action: 'collect', userid: null, state: 'failed' }));
    expect(all.jobs).toContainEqual(expect.objectContaining({ action: 'import', userid: place.userId }));
    expect(ids((await find({ userid: place.userId }, administrator)).jobs)).toEqual(ids((await find()).jobs));
    expect((await find({ userid: stranger }, administrator)).jobs).toEqual([]);
    await expect(find({ userid: stranger })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await find({ userid: place.userId })).total).toBeGreaterThan(0);
  });

  it('lets an administrator see one, and run it again', async () => {
    const { message } = await place.failedImport();
    const request = { userId: administrator, jobId: message.jobId };
    expect(await place.vice.ask(JobCalls.getJob, request)).toMatchObject({ id: message.jobId, userid: place.userId });
    expect(await place.vice.ask(JobCalls.retryJob, request)).toMatchObject({ state: 'queued' });
    const [collection] = (await find({ action: 'collect', state: 'failed' }, administrator)).jobs;
    await expect(place.job(collection?.id ?? '')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect(await place.retry(collection?.id ?? '', administrator)).toMatchObject({ action: 'collect', state: 'queued' });
    await collecting();
    const [second] = (await find({ action: 'collect', state: 'failed' }, administrator)).jobs;
    await expect(place.retry(second?.id ?? '', administrator)).rejects.toMatchObject({ code: 'JOB_NOT_RETRYABLE' });
  });

  it('comes page by page, also where many began at the same moment', async () => {
    const userId = await place.vice.newUser();
    await place.vice.sql(
      `INSERT INTO jobs (id, kind, queue, action, user_id, created_at)
       SELECT gen_random_uuid(), 'import', 'import', 'import', '${userId}', now() - (i % 3) * interval '1 second' FROM generate_series(1, 25) i`,
    );
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await find({ limit: 4, ...(cursor && { cursor }) }, userId);
      expect(page.total).toBe(25);
      seen.push(...ids(page.jobs));
      cursor = page.next ?? undefined;
    } while (cursor);
    expect(seen).toEqual(ids((await find({}, userId)).jobs));
    expect(new Set(seen).size).toBe(25);
    await expect(find({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'INVALID_QUERY' });
  });
});
