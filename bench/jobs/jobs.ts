import { randomBytes } from 'node:crypto';
import { Jobs } from '#libs/contracts';
import { loadConfig } from '#libs/config';
import { CallClient, createBroker, JobServer, type Broker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { queryOnce, startProcess, until } from '#libs/testing';
import { startRegistry } from '../../apps/registry/start.js';
import { type Options } from '../options.js';
import { type Place } from '../place.js';
import { Samples } from '../samples.js';
import { say, Table } from '../table.js';

const JOBS = 3000;
const USERS = 10;
/** Jobs at once in the one worker. */
const CONCURRENCY = 16;
const SHUTDOWN_MS = 5000;

const logger = createLogger('bench', 'error');
const secretKey = randomBytes(32).toString('base64');

/** Jobs per second from rows that wait to the last report: relay, message, claim, a handler that does nothing, report, acknowledgement. */
export async function measureJobs(place: Place, { repetitions }: Options): Promise<Table[]> {
  const table = new Table(`Jobs per second, ${JOBS} jobs, ${CONCURRENCY} at once in one worker`, ['', 'best', 'median']);
  const add = (what: string, rates: Samples) => table.add(what, rates.best.toFixed(0), rates.median.toFixed(0));
  if (place.amqpUrl) add('through RabbitMQ, the registry a process of its own', await throughRabbit(place, repetitions));
  add('in one process', await inProcess(place, repetitions));
  return [table];
}

async function throughRabbit(place: Place, repetitions: number): Promise<Samples> {
  const { amqpUrl, queuePrefix } = place.newQueues();
  const databaseUrl = await place.newDatabase();
  const env = { DATABASE_URL: databaseUrl, AMQP_URL: amqpUrl, VICE_QUEUE_PREFIX: queuePrefix, VICE_SECRET_KEY: secretKey };
  const registry = place.keep(await startProcess('registry', { env, printTo: place.path('registry.log'), timeout: 90_000 }));
  await using broker = await createBroker({ amqpUrl, queuePrefix, logger });
  const rates = await measureDraining('through RabbitMQ', broker, databaseUrl, repetitions);
  await registry.stop();
  return rates;
}

async function inProcess(place: Place, repetitions: number): Promise<Samples> {
  const databaseUrl = await place.newDatabase();
  await using broker = await createBroker({ amqpUrl: null, queuePrefix: 'bench', logger });
  const config = loadConfig('standalone', { DATABASE_URL: databaseUrl, VICE_COLLECT_SECONDS: '86400' });
  const registry = await startRegistry({
    config,
    broker,
    logger,
    metrics: new Metrics('test'),
    databaseUrl,
    secretKey,
    listen: false,
  });
  try {
    return await measureDraining('in process', broker, databaseUrl, repetitions);
  } finally {
    await registry.close();
  }
}

async function measureDraining(how: string, broker: Broker, databaseUrl: string, repetitions: number): Promise<Samples> {
  await queryOnce(databaseUrl, OWNERS);
  const worker = await startIdleWorker(broker);
  const rates = new Samples();
  try {
    for (let i = 0; i <= repetitions; i++) {
      say(`  ${how}: ${i === 0 ? 'warming up' : `${i} of ${repetitions}`}`);
      const rate = await drain(databaseUrl);
      if (i > 0) rates.add(rate);
    }
  } finally {
    await worker.close();
  }
  return rates;
}

/** A worker for import jobs whose handlers do nothing. */
async function startIdleWorker(broker: Broker): Promise<JobServer> {
  const { ask } = new CallClient(broker);
  const worker = new JobServer({ kind: 'import', broker, ask, concurrency: CONCURRENCY, shutdownMs: SHUTDOWN_MS, logger });
  for (const { kind, action } of [Jobs.importImage, Jobs.disposeTemporaries])
    worker.addHandler(action, () => Promise.resolve({}), false, { kind });
  await new Promise<void>((resolve, reject) => void worker.listen((error) => (error ? reject(error as Error) : resolve())));
  return worker;
}

async function drain(databaseUrl: string): Promise<number> {
  await queryOnce(databaseUrl, ENQUEUE);
  const isDrained = async () => (await queryOnce(databaseUrl, LEFT))[0]?.['left'] === '0';
  await until(isDrained, { what: 'all jobs have ended', timeout: 300_000, interval: 250 });
  const [row] = await queryOnce(databaseUrl, RATE);
  return Number(row?.['rate']);
}

const OWNERS = `
  INSERT INTO users (id, username, password_hash) SELECT gen_random_uuid(), 'bench-' || n, '' FROM generate_series(1, ${USERS}) AS n;
  INSERT INTO environments (id, user_id, managementlayer, location)
    SELECT gen_random_uuid(), id, '{"software":"docker"}', 'tcp://127.0.0.1:9' FROM users`;

const { kind, queue, action } = Jobs.disposeTemporaries;
const ENQUEUE = `
  DELETE FROM jobs;
  INSERT INTO jobs (id, kind, queue, action, user_id, environment_id, details)
    SELECT gen_random_uuid(), '${kind}', '${queue}', '${action}', user_id, id, jsonb_build_object('marker', gen_random_uuid())
    FROM environments, generate_series(1, ${JOBS / USERS})`;
const LEFT = `SELECT count(*) AS left FROM jobs WHERE state <> 'succeeded'`;
const RATE = `SELECT count(*) / extract(epoch FROM max(ended_at) - min(created_at)) AS rate FROM jobs`;
