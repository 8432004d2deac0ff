import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { connect, type Channel, type ChannelModel, type GetMessage } from 'amqplib';
import { type JobMessage } from '#libs/contracts';
import { until } from '#libs/testing';
import { type Broker, type DeadMessage, type JobDelivery } from '../broker.js';
import { createBroker } from '../create-broker.js';
import { deadLetterQueue, jobQueue } from '../topology.js';
import { quiet, type RabbitPlace } from './rabbit-place.js';

/** What holds for RabbitMQ alone, as long as it runs. */
export function rabbitSuite(place: () => RabbitPlace): void {
  let broker: Broker;
  let connection: ChannelModel;
  let channel: Channel;
  beforeAll(async () => {
    broker = await place().open();
    connection = await connect(place().url);
    channel = await connection.createChannel();
  });
  afterEach(async () => {
    await channel.purgeQueue(jobQueue(place().prefix, 'store').name);
  });
  afterAll(async () => {
    await connection.close();
    await broker[Symbol.asyncDispose]();
  });
  const storeQueue = () => jobQueue(place().prefix, 'store').name;

  test('a job whose queue is not there was not published, although the broker confirms it; the next one is', async () => {
    await channel.deleteQueue(storeQueue());
    await expect(broker.publishJob('store', { jobId: 'a', attempt: 1 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await until(() => broker.publishJob('store', { jobId: 'b', attempt: 1 }).then(() => true), {
      what: 'the queue is there again',
    });
  });

  test('a thousand jobs are confirmed side by side, not one after the other', async () => {
    const before = performance.now();
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => broker.publishJob('store', { jobId: `job-${i}`, attempt: 1 })));
    expect((await broker.depths()).store.ready).toBe(1_000);
    expect(1_000 / ((performance.now() - before) / 1_000)).toBeGreaterThan(300);
  });

  test('a consumer that the broker cancels subscribes again', async () => {
    const taken: JobMessage[] = [];
    const consumer = await broker.consumeJobs('store', 1, ({ message, ack }) => {
      taken.push(message);
      ack();
    });
    await channel.deleteQueue(storeQueue());
    await until(async () => (await broker.depths()).store.consumers === 1, { what: 'it is there again' });
    await broker.publishJob('store', { jobId: 'a', attempt: 1 });
    await until(() => taken.length === 1, { what: 'it takes jobs' });
    await consumer.close();
  });

  test('a message that is no job is a dead letter, whatever is in it, and harms nothing', async () => {
    const dead: DeadMessage[] = [];
    const reader = await broker.consumeDeadLetters('store', async (letter) => void dead.push(letter));
    const taken: JobMessage[] = [];
    const consumer = await broker.consumeJobs('store', 1, ({ message, ack }) => {
      taken.push(message);
      ack();
    });
    const rubbish = ['{', 'null', '{"jobId":7}', '', 'x'.repeat(10_000)];
    for (const text of rubbish) channel.sendToQueue(storeQueue(), Buffer.from(text));
    await broker.publishJob('store', { jobId: 'a', attempt: 1 });
    await until(() => taken.length === 1, { what: 'the job behind them is taken' });
    expect(taken[0]?.jobId).toBe('a');
    await until(() => dead.length === rubbish.length, { what: 'all else is read as dead letters' });
    expect(dead.map(({ body }) => body).sort()).toEqual(rubbish.map((text) => text.slice(0, 4096)).sort());
    await consumer.close();
    await reader.close();
  });

  test('what others did away with, and what was put among the dead letters by hand, is read', async () => {
    const dead: DeadMessage[] = [];
    await broker.publishJob('store', { jobId: 'a', attempt: 1 });
    const got = await until(() => channel.get(storeQueue()), { what: 'another consumer gets it' });
    channel.nack(got as GetMessage, false, false);
    const reader = await broker.consumeDeadLetters('store', async (letter) => void dead.push(letter));
    await until(() => dead.length === 1, { what: 'it is read' });
    expect(dead[0]).toMatchObject({ message: { jobId: 'a', attempt: 1 }, reason: 'rejected', count: 1 });
    channel.sendToQueue(deadLetterQueue(place().prefix, 'store').name, Buffer.from([0xff, 0x00, 0x41]));
    await until(() => dead.length === 2, { what: 'that is read too' });
    expect(dead[1]).toMatchObject({ message: null, body: '\ufffd\0A', reason: null, count: null });
    await reader.close();
  });

  test('what is in hand of a broker that is disposed of goes to another', async () => {
    const other = await place().open();
    let delivered = 0;
    await other.consumeJobs('store', 1, () => (delivered += 1));
    await broker.publishJob('store', { jobId: 'a', attempt: 1 });
    await until(() => delivered === 1, { what: 'it is in hand' });
    await other[Symbol.asyncDispose]();
    const consumer = await broker.consumeJobs('store', 1, ({ message, redelivered, ack }) => {
      expect({ message, redelivered }).toEqual({ message: { jobId: 'a', attempt: 1 }, redelivered: true });
      delivered += 1;
      ack();
    });
    await until(() => delivered === 2, { what: 'it is delivered to the other' });
    await consumer.close();
  });

  test('what was acked is done with, also when the broker is disposed of in the same moment', async () => {
    const other = await place().open();
    const inHand: JobDelivery[] = [];
    const consumer = await other.consumeJobs('store', 2, (delivery) => inHand.push(delivery));
    for (const jobId of ['a', 'b']) await broker.publishJob('store', { jobId, attempt: 1 });
    await until(() => inHand.length === 2, { what: 'both are in hand' });
    await consumer.close();
    inHand.forEach(({ ack }) => ack());
    await other[Symbol.asyncDispose]();
    await broker.publishJob('store', { jobId: 'c', attempt: 1 });
    expect((await broker.depths()).store.ready).toBe(1);
  });

  test('what is disposed of refuses politely', async () => {
    const other = await place().open();
    const asking = other.request('registry', 'x', {}, { deadlineMs: 5_000 });
    await other[Symbol.asyncDispose]();
    for (const refused of [asking, other.check(), other.publishJob('store', { jobId: 'a', attempt: 1 }), other.depths()])
      await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a broker that is not there is UNAVAILABLE after the time that one may wait, and its password is not told', async () => {
    const opening = createBroker({ amqpUrl: 'amqp://vice:hunter2@127.0.0.1:1', queuePrefix: 'x', logger: quiet, waitMs: 300 });
    const error = (await opening.catch((e: unknown) => e)) as Error;
    expect(error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(error.message).toContain('127.0.0.1:1');
    expect(error.message).not.toContain('hunter2');
  });

  test('queues are durable, and jobs lead to a queue of dead letters', async () => {
    await expect(channel.checkQueue(deadLetterQueue(place().prefix, 'store').name)).resolves.toMatchObject({ messageCount: 0 });
    const rival = await connection.createChannel();
    rival.on('error', () => undefined);
    await expect(rival.assertQueue(storeQueue(), { durable: true })).rejects.toMatchObject({ code: 406 });
  });
}
