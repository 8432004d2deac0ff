import { randomUUID } from 'node:crypto';
import { loginSecret, UserCalls, type Ask, type JobMessage, type JobQueue, JOB_QUEUES } from '#libs/contracts';
import { loadConfig } from '#libs/config';
import { CallClient, createBroker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { createTestDatabase, queryOnce, Samples, until } from '#libs/testing';
import { startRegistry } from '../start.js';

/** A registry with a database of its own and the in-process broker; jobs land in `waiting`, for tests that play the worker. */
export interface RunningRegistry extends AsyncDisposable {
  databaseUrl: string;
  ask: Ask;
  /** Asks as one who waits no longer than that. */
  within(deadlineMs: number): Ask;
  /** Puts a message into a queue, past the relay. */
  publish(queue: JobQueue, message: JobMessage): Promise<void>;
  box: SecretBox;
  /** What its metrics say now. */
  samples(): Promise<Samples>;
  /** The oldest message of a job of this image or deployment that the relay has published and nobody has taken. */
  next(queue: JobQueue, subjectId: string): Promise<JobMessage>;
  sql(query: string): Promise<Record<string, unknown>[]>;
  newUser(): Promise<string>;
  restart(): Promise<void>;
}

interface RegistryOptions {
  variables?: Record<string, string>;
  /** Runs when the broker has a job's message, and before the relay hears of that. */
  beforeConfirm?: (message: JobMessage) => Promise<void>;
  /** Whether the consumer gives a message back instead of taking it. */
  refuses?: (message: JobMessage) => boolean;
}

export async function runRegistry({ variables, beforeConfirm, refuses }: RegistryOptions = {}): Promise<RunningRegistry> {
  const database = await createTestDatabase();
  const secretKey = SecretBox.newKey();
  const box = SecretBox.fromKey(secretKey);
  const config = loadConfig('standalone', { VICE_LEASE_SECONDS: '1', VICE_COLLECT_SECONDS: '86400', ...variables });
  const logger = createLogger('registry', 'silent');
  const waiting: { queue: JobQueue; message: JobMessage }[] = [];

  const start = async () => {
    const broker = await createBroker({ amqpUrl: null, queuePrefix: 'test', logger });
    const publishJob = broker.publishJob.bind(broker);
    broker.publishJob = async (queue, message) => {
      await publishJob(queue, message);
      await beforeConfirm?.(message);
    };
    for (const queue of JOB_QUEUES) {
      await broker.consumeJobs(queue, 1000, (delivery) => {
        if (refuses?.(delivery.message)) return delivery.release();
        waiting.push({ queue, message: delivery.message });
        delivery.ack();
      });
    }
    const metrics = new Metrics('test');
    const registry = await startRegistry({
      config,
      broker,
      logger,
      metrics,
      databaseUrl: database.url,
      secretKey,
      listen: false,
    });
    return { broker, registry, metrics, client: new CallClient(broker) };
  };
  let running = await start();
  const stop = async () => {
    await running.registry.close();
    await running.broker[Symbol.asyncDispose]();
  };

  const ask: Ask = (call, request) => running.client.ask(call, request);
  return {
    databaseUrl: database.url,
    ask,
    within: (deadlineMs) => (call, request) => running.client.askWithin(call, request, deadlineMs),
    publish: (queue, message) => running.broker.publishJob(queue, message),
    box,
    samples: async () => Samples.of(await running.metrics.text()),
    sql: (query) => queryOnce(database.url, query),
    async next(queue, subjectId) {
      const take = async () => {
        const rows = await queryOnce(
          database.url,
          `SELECT id FROM jobs WHERE image_id = '${subjectId}' OR deployment_id = '${subjectId}'`,
        );
        const ids = new Set(rows.map(({ id }) => id));
        const index = waiting.findIndex((entry) => entry.queue === queue && ids.has(entry.message.jobId));
        return index < 0 ? undefined : waiting.splice(index, 1)[0]!.message;
      };
      let message: JobMessage | undefined;
      await until(async () => (message = await take()) !== undefined, {
        what: `a job of ${subjectId} in the queue ${queue}`,
        timeout: 15_000,
      });
      return message!;
    },
    async newUser() {
      const username = `user-${randomUUID()}`;
      const password = box.seal('secret', loginSecret(username));
      return (await ask(UserCalls.createUser, { username, password, email: null, fullname: null })).id;
    },
    async restart() {
      await stop();
      waiting.length = 0;
      running = await start();
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await database.drop();
    },
  };
}
