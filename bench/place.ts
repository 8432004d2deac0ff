import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { JOB_QUEUES } from '#libs/contracts';
import { createTestDatabase, postgres, rabbitmq } from '#libs/testing';
import { EmbeddedPostgres } from '../apps/standalone/embedded-postgres.js';
import { callQueue, deadLetterQueue, eventExchange, jobQueue } from '../libs/messaging/topology.js';
import { say } from './table.js';

/** Where a run keeps everything: a folder, databases and queues of its own, which go with it. */
export class Place implements AsyncDisposable {
  private readonly kept: AsyncDisposable[] = [];
  private folders = 0;

  private constructor(
    private readonly root: string,
    /** URL of RabbitMQ; null where there is none. */
    readonly amqpUrl: string | null,
  ) {
    this.keep({ [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 3 }) });
  }

  static async take(folder: string): Promise<Place> {
    const amqpUrl = await rabbitmq()
      .find()
      .catch(() => null);
    if (amqpUrl === null) say('there is no RabbitMQ: only what runs in one process is measured');
    const place = new Place(await mkdtemp(join(folder, 'vice-bench-')), amqpUrl);
    try {
      await place.findPostgres();
      return place;
    } catch (error) {
      await place[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A path at which nothing is yet. */
  path(name: string): string {
    return join(this.root, `${this.folders++}-${name}`);
  }

  async newDatabase(): Promise<string> {
    return this.keep(await createTestDatabase()).url;
  }

  /** RabbitMQ, and a prefix for queues that nobody else has. Raises where there is none. */
  newQueues(): { amqpUrl: string; queuePrefix: string } {
    const { amqpUrl } = this;
    if (amqpUrl === null) throw new Error('there is no RabbitMQ');
    const queuePrefix = `bench-${randomBytes(4).toString('hex')}`;
    this.keep({ [Symbol.asyncDispose]: () => removeQueues(amqpUrl, queuePrefix) });
    return { amqpUrl, queuePrefix };
  }

  /** Ends with this place, before what was there first. */
  keep<T extends AsyncDisposable>(part: T): T {
    this.kept.push(part);
    return part;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let part = this.kept.pop(); part; part = this.kept.pop()) await part[Symbol.asyncDispose]();
  }

  private async findPostgres(): Promise<void> {
    try {
      await postgres().find();
    } catch {
      say('there is no PostgreSQL: an embedded one is started');
      const embedded = this.keep(await EmbeddedPostgres.start({ dataDir: this.path('postgres') }));
      process.env['TEST_DATABASE_URL'] = embedded.databaseUrl;
    }
  }
}

async function removeQueues(url: string, prefix: string): Promise<void> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  const queues = [
    ...JOB_QUEUES.flatMap((queue) => [jobQueue(prefix, queue), deadLetterQueue(prefix, queue)]),
    ...(['registry', 'import-worker'] as const).map((service) => callQueue(prefix, service)),
  ];
  for (const { name } of queues) await channel.deleteQueue(name);
  await channel.deleteExchange(eventExchange(prefix).name);
  await connection.close();
}
