import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { JobCalls, type DeadLetter } from '#libs/contracts';
import { RawQueues } from '../../../../libs/messaging/test/raw-queues.js';
import { brokerUrl, describeWith, postgres, rabbitmq, until } from '#libs/testing';
import { FailedPlace } from '../../test/failed-place.js';

await describeWith([postgres(), rabbitmq()], 'what RabbitMQ gave up on', () => {
  let queues: RawQueues;
  let place: FailedPlace;
  let administrator: string;

  beforeAll(async () => {
    queues = await RawQueues.open(brokerUrl());
    place = await FailedPlace.open({}, { rabbit: { url: queues.url, queuePrefix: queues.prefix } });
    administrator = await place.administrator();
  }, 60_000);
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await queues[Symbol.asyncDispose]();
  }, 60_000);

  const letters = async (userId: string): Promise<DeadLetter[]> =>
    (await place.vice.ask(JobCalls.findDeadLetters, { userId, query: { limit: 100 } })).deadLetters;

  it('of a job is kept once, however often it is handed over, and the job waits a while', async () => {
    const { message } = await place.importing();
    const letter = { messageId: randomUUID(), headers: { 'x-death': [{ reason: 'rejected', count: 1 }] } };
    const body = Buffer.from(JSON.stringify(message));
    for (let time = 0; time < 3; time++) queues.sendDead('import', body, letter);
    queues.sendDead('import', body, { ...letter, messageId: randomUUID() });
    await until(async () => (await place.job(message.jobId)).deadLetters?.count === 2, { what: 'both are counted' });
    expect((await letters(place.userId)).map(({ jobId, reason, count }) => ({ jobId, reason, count }))).toEqual([
      { jobId: message.jobId, reason: 'rejected', count: 1 },
      { jobId: message.jobId, reason: 'rejected', count: 1 },
    ]);
    expect(await place.vice.sql(`SELECT state, failures FROM jobs WHERE id = '${message.jobId}'`)).toEqual([
      { state: 'queued', failures: 2 },
    ]);
  });

  it('is kept whatever the broker is said to have said of it', async () => {
    const { message } = await place.importing();
    const body = Buffer.from(JSON.stringify(message));
    queues.sendDead('import', body, { messageId: 'a\0b', headers: { 'x-death': [{ reason: 'c\0d', count: 2 ** 40 }] } });
    const deadLetters = await until(async () => (await place.job(message.jobId)).deadLetters, { what: 'it is read' });
    expect(deadLetters).toMatchObject({ count: 1, reason: 'c\ufffdd' });
  });

  it('and is no job, is kept as it was, and shown to administrators alone', async () => {
    const rubbish = [Buffer.from('not json'), Buffer.from('[1]'), Buffer.from([0x00, 0xff, 0x41]), Buffer.alloc(9_000, 'x')];
    for (const body of rubbish) queues.send('store', body);
    const found = async () => (await letters(administrator)).filter(({ queue }) => queue === 'store');
    await until(async () => (await found()).length === rubbish.length, { what: 'all of it is kept' });
    expect((await found()).map(({ body }) => body).sort()).toEqual(['not json', '[1]', '\ufffd\ufffdA', 'x'.repeat(4096)].sort());
    expect((await found()).every(({ reason, count, jobId }) => reason === 'rejected' && count === 1 && jobId === null)).toBe(
      true,
    );
    expect((await letters(place.userId)).filter(({ queue }) => queue === 'store')).toEqual([]);
  });
});
