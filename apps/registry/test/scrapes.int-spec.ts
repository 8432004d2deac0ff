import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { loadConfig } from '#libs/config';
import { Jobs, StatsCalls, type JobMessage } from '#libs/contracts';
import { CallClient, createBroker, type Broker, type Closable } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import {
  createTestDatabase,
  describeWith,
  freePort,
  postgres,
  rabbitmqOwn,
  Samples,
  startBroker,
  until,
  type TestBroker,
  type TestDatabase,
} from '#libs/testing';
import { startRegistry } from '../start.js';

/** As many deliveries as make a message a dead letter. */
const DELIVERIES = 21;
const FAST_MS = 3_000;

await describeWith([postgres(), rabbitmqOwn('3')], 'a scrape of the registry', () => {
  let rabbit: TestBroker;
  let database: TestDatabase;
  let broker: Broker;
  let registry: Closable;
  let url: string;
  let sql: Client;

  beforeAll(async () => {
    [rabbit, database] = await Promise.all([startBroker('3'), createTestDatabase()]);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const config = loadConfig('registry', {
      ...{ HOST: '127.0.0.1', PORT: String(port), AMQP_URL: rabbit.url, DATABASE_URL: database.url },
      ...{ VICE_SECRET_KEY: SecretBox.newKey(), VICE_COLLECT_SECONDS: '86400' },
    });
    const logger = createLogger('test', 'silent');
    broker = await createBroker({ amqpUrl: rabbit.url, queuePrefix: config.queuePrefix, logger });
    const parts = { config, broker, logger, metrics: new Metrics('registry'), listen: true };
    registry = await startRegistry({ ...parts, databaseUrl: database.url, secretKey: config.secretKey! });
    sql = new Client({ connectionString: database.url });
    sql.on('error', () => undefined); // the database is taken away under it
    await sql.connect();
  }, 180_000);
  afterAll(async () => {
    await registry?.close();
    await broker?.[Symbol.asyncDispose]();
    await sql?.end().catch(() => undefined);
    await Promise.all([database?.drop(), rabbit?.[Symbol.asyncDispose]()]);
  }, 180_000);

  /** Jobs that no environment is needed for. */
  const enqueue = (jobs: number) =>
    sql.query(
      `INSERT INTO jobs (id, kind, queue, action) SELECT gen_random_uuid(), 'import', 'import', $2 FROM generate_series(1, $1)`,
      [jobs, Jobs.disposeTemporaries.action],
    );

  async function fastScrape(): Promise<Samples> {
    const began = performance.now();
    const samples = await Samples.at(url);
    expect(performance.now() - began).toBeLessThan(FAST_MS);
    return samples;
  }

  const imports = (samples: Samples, name: string) => samples.sum(name, { kind: 'import' });
  const unavailable = (samples: Samples) => samples.by('part', 'vice_metrics_unavailable');

  it('has the content type that Prometheus asks for', async () => {
    const { headers } = await fetch(`${url}/metrics`);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('says of queues and workers what runtimestats says', async () => {
    await enqueue(3);
    const { ask } = new CallClient(broker);
    const agrees = async () => {
      const [samples, stats] = [await Samples.at(url), await ask(StatsCalls.runtimeStats, {})];
      expect([imports(samples, 'vice_queue_pending'), imports(samples, 'vice_workers')]).toEqual([
        stats.importsPending,
        stats.importWorker,
      ]);
      return samples;
    };
    await until(async () => (await agrees()).sum('vice_queue_ready', { queue: 'import' }) === 3, { what: 'three wait' });
    const messages: JobMessage[] = [];
    const worker = await broker.consumeJobs('import', 10, ({ message }) => void messages.push(message));
    await until(() => messages.length === 3, { what: 'three are taken' });
    const samples = await agrees();
    expect(imports(samples, 'vice_workers')).toBe(1);
    expect(samples.by('queue', 'vice_outbox_published_total')).toEqual({ import: 3 });
    expect([samples.sum('vice_outbox_unpublished'), samples.sum('vice_outbox_lag_seconds')]).toEqual([0, 0]);
    await sql.query(`UPDATE jobs SET state = 'running', lease_until = now() + interval '1 minute' WHERE id = $1`, [
      messages[0]!.jobId,
    ]);
    expect(imports(await agrees(), 'vice_queue_in_hand')).toBe(1);
    await worker.close();
    await sql.query('DELETE FROM jobs');
  });

  it('counts what the broker gave up on, once each', async () => {
    const message = { jobId: randomUUID(), attempt: 1 };
    let deliveries = 0;
    const worker = await broker.consumeJobs('export', 1, (delivery) => {
      deliveries += 1;
      delivery.release();
    });
    await broker.publishJob('export', message);
    const read = async () => (await Samples.at(url)).by('queue', 'vice_queue_dead_letters_total');
    await until(async () => (await read())['export'] === 1, { what: 'the registry has read the dead letter' });
    expect(deliveries).toBe(DELIVERIES);
    expect((await Samples.at(url)).by('queue', 'vice_queue_dead_letters')).toEqual({});
    await worker.close();
  });

  it('shows what waits in the dead-letter queues', async () => {
    await sql.query('ALTER TABLE jobs RENAME TO away'); // the registry cannot read them
    try {
      const lines = Array.from({ length: 12 }, () => ({ jobId: randomUUID(), attempt: 1 }));
      const worker = await broker.consumeJobs('convert', 20, (delivery) => delivery.release());
      for (const message of lines) await broker.publishJob('convert', message);
      const waiting = async () => (await Samples.at(url)).sum('vice_queue_dead_letters', { queue: 'convert' });
      // The registry has ten of them in hand, and tries again.
      await until(async () => (await waiting()) === 2, { what: 'two wait', timeout: 30_000 });
      await worker.close();
    } finally {
      await sql.query('ALTER TABLE away RENAME TO jobs');
    }
  }, 180_000);

  it('answers without what the database says while it is silent, and without it while it is gone', async () => {
    await sql.query('BEGIN');
    await sql.query('LOCK TABLE blobs, jobs IN ACCESS EXCLUSIVE MODE');
    for (const samples of [await fastScrape(), await fastScrape()]) {
      expect(unavailable(samples)).toEqual({ database: 1 });
      for (const name of ['vice_jobs_live', 'vice_outbox_lag_seconds', 'vice_blob_bytes', 'vice_queue_pending'])
        expect([name, samples.sum(name)]).toEqual([name, undefined]);
      expect(samples.sum('vice_queue_ready')).toBeDefined();
      expect(samples.sum('vice_jobs_created_total')).toBeDefined();
    }
    await sql.query('ROLLBACK');
    await until(async () => (await Samples.at(url)).sum('vice_blob_bytes') !== undefined, { what: 'it answers again' });
    await database.drop();
    expect(unavailable(await fastScrape())).toEqual({ database: 1 });
  });

  it('answers without what the broker says while it is gone, and again with it', async () => {
    await rabbit.halt();
    const samples = await fastScrape();
    expect(unavailable(samples)).toMatchObject({ broker: 1 });
    for (const name of ['vice_queue_ready', 'vice_queue_dead_letters', 'vice_workers', 'vice_queue_pending'])
      expect([name, samples.sum(name)]).toEqual([name, undefined]);
    expect(samples.sum('vice_build_info')).toBe(1);
    await rabbit.start();
    await until(async () => (await Samples.at(url)).sum('vice_queue_ready') !== undefined, {
      what: 'the broker is asked again',
      timeout: 30_000,
    });
  }, 180_000);
});
