import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { JOB_QUEUES } from '#libs/contracts';
import { type Broker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { createTestDatabase, describeWith, postgres, type TestDatabase } from '#libs/testing';
import { Database, openDatabase } from '../database/index.js';
import { type JobOutbox } from '../jobs/job-outbox.js';
import { RelayService } from '../jobs/relay.service.js';

await describeWith([postgres()], 'a queue that is looked over for lost messages', () => {
  let server: TestDatabase;
  let database: Database;
  let relay: RelayService;
  /** How many messages are in the queue `store`; what happens meanwhile may come first. */
  let count: () => Promise<number>;

  beforeAll(async () => {
    server = await createTestDatabase();
    const logger = createLogger('test', 'silent');
    database = new Database(await openDatabase(server.url), logger);
    const depths = async () => {
      const ready = await count();
      return Object.fromEntries(JOB_QUEUES.map((queue) => [queue, { ready, consumers: 1 }]));
    };
    relay = new RelayService(database, {} as JobOutbox, new Metrics('test'), { depths } as Broker, logger);
    await relay.beforeApplicationShutdown(); // it publishes nothing here
  });
  afterAll(async () => {
    await database.source.destroy();
    await server.drop();
  });
  beforeEach(() => database.query('TRUNCATE jobs'));

  async function publishedJob(publishAt: string): Promise<string> {
    const id = randomUUID();
    await database.query(
      `INSERT INTO jobs (id, kind, queue, action, state, published, publish_at)
       VALUES ($1, 'store', 'store', 'inspect', 'queued', true, now() + $2::interval)`,
      [id, publishAt],
    );
    return id;
  }
  const overdue = () => publishedJob('-1 minute');
  const toBePublished = async () =>
    (await database.query<{ id: string }>(`SELECT id FROM jobs WHERE NOT published AND state = 'queued'`)).map(({ id }) => id);

  test('has those published again that are overdue, where there are fewer messages than jobs', async () => {
    const lost = await overdue();
    await publishedJob('5 seconds');
    count = async () => 1;
    await relay.republishLost();
    expect(await toBePublished()).toEqual([lost]);
  });

  test('is left alone as long as it holds a message for each', async () => {
    await overdue();
    await publishedJob('5 seconds');
    count = async () => 2;
    await relay.republishLost();
    expect(await toBePublished()).toEqual([]);
  });

  test('does not look short while a worker has a message whose job it has not claimed yet', async () => {
    await overdue();
    await overdue();
    let looks = 0;
    count = async () => (++looks < 4 ? 1 : 2);
    await relay.republishLost();
    expect(await toBePublished()).toEqual([]);
  });

  test('does not look short because a job is claimed meanwhile, or another published', async () => {
    const [claimed] = [await overdue(), await overdue()];
    count = async () => {
      await database.query(`UPDATE jobs SET state = 'running' WHERE id = $1`, [claimed]);
      const ready = 1;
      await publishedJob('15.1 seconds');
      return ready;
    };
    await relay.republishLost();
    expect(await toBePublished()).toEqual([]);
  });
});
