import { randomBytes } from 'node:crypto';
import { startProcess, type App, type TestProcess } from '#libs/testing';
import { type Place } from '../place.js';

/** `standalone`: all in one process; `separate`: a process per service, over RabbitMQ. */
export type Way = 'standalone' | 'separate';

/** The system as its users start it. */
export interface Vice extends AsyncDisposable {
  way: Way;
  /** Of the gateway: `http://127.0.0.1:…` */
  url: string;
  /** The process that the gateway runs in. */
  gatewayPid: number;
}

/** One for the run: both ways may work on one database. */
const SECRET_KEY = randomBytes(32).toString('base64');
/** Those that take part in what is measured. */
const SERVICES: readonly App[] = ['registry', 'store-worker', 'gateway'];

/** The ways in which it can run here. */
export const waysIn = (place: Place): Way[] => (place.amqpUrl ? ['separate', 'standalone'] : ['standalone']);

/** Starts it on this database, with a blob store of its own; it ends with the place at the latest. */
export async function startVice(way: Way, place: Place, databaseUrl: string): Promise<Vice> {
  const dataDir = place.path(way);
  const env = {
    VICE_DATA_DIR: dataDir,
    DATABASE_URL: databaseUrl,
    // so that no collection of garbage falls into a measurement
    VICE_COLLECT_SECONDS: '86400',
    VICE_SECRET_KEY: SECRET_KEY,
    ...(way === 'separate' && separately(place)),
  };
  const processes: TestProcess[] = [];
  for (const app of way === 'separate' ? SERVICES : (['standalone'] as const))
    processes.push(place.keep(await startProcess(app, { env, printTo: place.path(`${app}.log`), timeout: 90_000 })));
  const gateway = processes.at(-1)!;
  return {
    way,
    url: gateway.url,
    gatewayPid: gateway.pid,
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((process) => process.stop()));
    },
  };
}

function separately(place: Place): Record<string, string> {
  const { amqpUrl, queuePrefix } = place.newQueues();
  return { AMQP_URL: amqpUrl, VICE_QUEUE_PREFIX: queuePrefix };
}
