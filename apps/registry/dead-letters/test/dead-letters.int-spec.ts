import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EventCalls, JobCalls, type DeadLetter, type DeadLetterQuery, type JobMessage } from '#libs/contracts';
import { describeWith, postgres, until } from '#libs/testing';
import { FailedPlace } from '../../test/failed-place.js';

/** As many deliveries as make a message a dead letter. */
const DELIVERIES = 21;

await describeWith([postgres()], 'what the broker gave up on', () => {
  let place: FailedPlace;
  let administrator: string;
  const refusals = new Map<string, number>();

  beforeAll(async () => {
    place = await FailedPlace.open({}, { refuses });
    administrator = await place.administrator();
  });
  afterAll(async () => place[Symbol.asyncDispose]());

  function refuses({ jobId }: JobMessage): boolean {
    const left = refusals.get(jobId) ?? 0;
    refusals.set(jobId, left - 1);
    return left > 0;
  }

  const find = (query: Partial<DeadLetterQuery> = {}, userId = place.userId) =>
    place.vice.ask(JobCalls.findDeadLetters, { userId, query: { limit: 100, ...query } });

  function publishDead(message: JobMessage): Promise<void> {
    refusals.set(message.jobId, DELIVERIES);
    return place.vice.publish('import', message);
  }

  const letterOf = (jobId: string) =>
    until(async () => (await find({ jobId })).deadLetters[0], { what: `a dead letter of ${jobId}` });

  async function deadAndQueued(): Promise<{ message: JobMessage; letter: DeadLetter; imageId: string }> {
    const { message, image } = await place.importing();
    await publishDead(message);
    return { message, letter: await letterOf(message.jobId), imageId: image.id };
  }

  it('shows on its job, and counts as a failure that is tried again under the same attempt', async () => {
    const counted = async () => (await place.vice.samples()).sum('vice_jobs_failures_total', { code: 'MESSAGE_DEAD_LETTERED' });
    expect(await counted()).toBe(0);
    const { message, letter, imageId } = await deadAndQueued();
    expect(await counted()).toBe(1);
    expect(letter).toEqual({
      ...{ id: expect.any(String), queue: 'import', jobId: message.jobId, attempt: 1 },
      ...{ body: null, reason: 'delivery_limit', count: 1, at: expect.any(String) },
    });
    expect(await place.job(message.jobId)).toMatchObject({
      ...{ state: 'queued', attempt: 0, error: { code: 'MESSAGE_DEAD_LETTERED' } },
      deadLetters: { count: 1, lastAt: expect.any(String), reason: 'delivery_limit' },
    });
    expect(await place.vice.next('import', imageId)).toEqual(message);
    expect(await place.claim(message)).toMatchObject({ marker: message.jobId });
  });

  it('is told of to the owner, and found among the jobs', async () => {
    const { last } = await place.vice.ask(EventCalls.eventsSince, { userId: place.userId, after: null, limit: 1 });
    const { message } = await deadAndQueued();
    const { events } = await place.vice.ask(EventCalls.eventsSince, { userId: place.userId, after: last, limit: 100 });
    expect(events.at(-1)).toMatchObject({ type: 'job', data: { id: message.jobId, deadLetters: { count: 1 } } });
    const query = { limit: 100, deadLettered: true };
    const { jobs } = await place.vice.ask(JobCalls.findJobs, { userId: place.userId, query });
    expect(jobs).toContainEqual(expect.objectContaining({ id: message.jobId }));
  });

  it('eight times in a row, fails the job and its image, and says so; it can be run again', async () => {
    const { message, image } = await place.importing();
    await place.vice.sql(`UPDATE jobs SET failures = 7 WHERE id = '${message.jobId}'`);
    await publishDead(message);
    await letterOf(message.jobId);
    expect(await place.job(message.jobId)).toMatchObject({
      state: 'failed',
      error: { code: 'MESSAGE_DEAD_LETTERED', message: expect.stringMatching(/delivery_limit.*given up after 8 attempts/) },
    });
    expect(await place.image(image)).toMatchObject({ status: 'failed' });
    await place.retry(message.jobId);
    await place.claim(await place.vice.next('import', image.id));
    expect(await place.job(message.jobId)).toMatchObject({ state: 'running', attempt: 1, deadLetters: { count: 1 } });
  });

  it('goes not round at full speed: the pause before the next message grows', async () => {
    const { message } = await place.importing();
    await place.vice.sql(`UPDATE jobs SET failures = 4 WHERE id = '${message.jobId}'`);
    await publishDead(message);
    await letterOf(message.jobId);
    const [row] = await place.vice.sql(
      `SELECT due_at - now() > interval '10 seconds' AS later, published FROM jobs WHERE id = '${message.jobId}'`,
    );
    expect(row).toEqual({ later: true, published: false });
  });

  it('changes nothing of a job that an attempt has, or has had', async () => {
    const { message } = await place.importing();
    await place.claim(message);
    await publishDead(message);
    await letterOf(message.jobId);
    expect(await place.job(message.jobId)).toMatchObject({ state: 'running', error: null, deadLetters: { count: 1 } });
  });

  it('of a job that nobody knows, or of none at all, is shown to administrators with what was in it', async () => {
    const unknown = randomUUID();
    await publishDead({ jobId: unknown, attempt: 7 });
    await publishDead({ jobId: 'nobody-knows', attempt: 1.5 });
    await place.vice.publish('store', { hello: 'w\0rld' } as unknown as JobMessage);
    await until(async () => (await find({}, administrator)).deadLetters.filter(({ body }) => body !== null).length === 3, {
      what: 'all three are kept',
    });
    const { deadLetters } = await find({}, administrator);
    expect(deadLetters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ jobId: unknown, attempt: 7, body: JSON.stringify({ jobId: unknown, attempt: 7 }) }),
        expect.objectContaining({ jobId: null, attempt: null, body: '{"jobId":"nobody-knows","attempt":1.5}' }),
        expect.objectContaining({ queue: 'store', jobId: null, reason: 'rejected', body: '{"hello":"w\\u0000rld"}' }),
      ]),
    );
    expect((await find({ queue: 'store' }, administrator)).deadLetters).toHaveLength(1);
    expect((await find()).deadLetters.every(({ body }) => body === null)).toBe(true);
    expect((await find({}, await place.vice.newUser())).deadLetters).toEqual([]);
    const first = await find({ limit: 1 }, administrator);
    const second = await find({ limit: 1, cursor: first.next ?? '' }, administrator);
    expect([...first.deadLetters, ...second.deadLetters]).toEqual(deadLetters.slice(0, 2));
  });
});
