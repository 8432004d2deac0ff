import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type JobQueue } from '#libs/contracts';
import { createBroker, type Broker, type JobDelivery } from '#libs/messaging';
import { createLogger } from '#libs/observability';
import { describeWith, rabbitmqOwn, startBroker, until, type TestBroker } from '#libs/testing';
import { Cluster } from './cluster.js';
import { build, kustomize, type Manifest } from './kustomize.js';
import { VARIANTS } from './variants.js';

const USER = 'scaler';
const PASSWORD = 'a-password';

/** Lines of the trial's rabbitmq.conf, but for its ports. */
function settingsOf(cluster: Cluster): string[] {
  const { data } = cluster.all('ConfigMap').find(({ metadata }) => metadata.name.startsWith('vice-rabbitmq-'))!;
  return (data['rabbitmq.conf'] as string).split('\n').filter((line) => !/^listeners|\.port =/.test(line));
}

await describeWith([kustomize(), rabbitmqOwn('4')], 'what KEDA reads of the broker', (program) => {
  let server: TestBroker;
  let broker: Broker;
  let triggers: Map<string, { metadata: { queueName: string; value: string } }[]>;
  const held = new Map<JobQueue, JobDelivery[]>();

  beforeAll(async () => {
    const cluster = new Cluster(
      await build(
        program,
        VARIANTS.find(({ name }) => name === 'a trial with all')!,
      ),
    );
    const scaled = cluster.all('ScaledObject');
    triggers = new Map(scaled.map(({ spec }) => [spec.scaleTargetRef.name, spec.triggers]));
    server = await startBroker('4', settingsOf(cluster));
    broker = await createBroker({ amqpUrl: server.url, queuePrefix: 'vice', logger: createLogger('test', 'silent') });
    // what README.md does by rabbitmqctl
    await administer('PUT', `users/${USER}`, { password: PASSWORD, tags: 'management' });
    await administer('PUT', `permissions/%2F/${USER}`, { configure: '^$', write: '^$', read: '^$' });
  }, 300_000);
  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  const ask = async (method: string, path: string, login: string, body?: object): Promise<Response> => {
    const { origin } = new URL(server.managementUrl);
    const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
    const answer = await fetch(`${origin}/api/${path}`, { method, headers: { authorization }, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return answer;
  };
  const administer = (method: string, path: string, body: object) => ask(method, path, 'guest:guest', body);
  const publish = async (queue: JobQueue, jobs: number) => {
    for (let i = 0; i < jobs; i++) await broker.publishJob(queue, { jobId: randomUUID(), attempt: 1 });
  };
  /** A worker takes its two, and works on them. */
  const work = async (queue: JobQueue, concurrency: number) => {
    const deliveries: JobDelivery[] = [];
    held.set(queue, deliveries);
    await broker.consumeJobs(queue, concurrency, (delivery) => void deliveries.push(delivery));
    await until(() => deliveries.length === concurrency, { what: `the worker has ${concurrency} jobs of ${queue} in hand` });
  };
  /** As KEDA's rabbitmq scaler asks with `protocol: http`: the field `messages` of the queue. */
  const messages = async (queueName: string): Promise<number> => {
    const answer = await ask('GET', `queues/%2F/${queueName}`, `${USER}:${PASSWORD}`);
    return ((await answer.json()) as Manifest)['messages'];
  };
  /** As the autoscaler works out how many of a metric's `AverageValue`, for each trigger, and takes the most. */
  const replicas = async (worker: string): Promise<number> => {
    const wanted = triggers
      .get(worker)!
      .map(async ({ metadata }) => Math.ceil((await messages(metadata.queueName)) / Number(metadata.value)));
    return Math.max(...(await Promise.all(wanted)));
  };
  // the statistics of quorum queues are some seconds old
  const becomes = (worker: string, count: number) =>
    until(async () => (await replicas(worker)) === count, {
      what: `${count} of ${worker} are wanted`,
      timeout: 60_000,
      interval: 250,
    });

  test('is, for a user that may neither read nor write a message, what is ready and what is in hand together', async () => {
    await publish('export', 5);
    await becomes('export-worker', 3);
    await work('export', 2);
    const { ready } = (await broker.depths()).export;
    expect(ready).toBe(3);
    await until(async () => (await messages('vice.export')) === 5, { what: 'all five are counted', timeout: 60_000 });
  });

  test('keeps a worker whose queue has run empty while it works', async () => {
    await publish('import', 2);
    await work('import', 2);
    // by AMQP, KEDA would read this, and stop the worker in the middle
    expect((await broker.depths()).import.ready).toBe(0);
    await becomes('import-worker', 1);
    for (const delivery of held.get('import')!) delivery.ack();
    await becomes('import-worker', 0);
  });

  test('asks for as many store workers as the fuller of their queues needs: each worker has room for both', async () => {
    await publish('store', 5);
    await publish('convert', 1);
    await becomes('store-worker', 3);
    await publish('convert', 8);
    await becomes('store-worker', 5);
  });
});
