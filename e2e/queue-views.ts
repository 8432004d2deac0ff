import { JOB_KINDS, JOB_QUEUES, QUEUES_OF_KIND, type JobKind, type JobQueue, type RuntimeStats } from '#libs/contracts';
import { type TestBroker, type TestProcess } from '#libs/testing';
import { jobQueue } from '../libs/messaging/topology.js';
import { expectStatus, type ViceClient } from './client.js';

/** How the queue of one kind of job stands. */
export interface Standing {
  /** Waiting and in hand. */
  pending: number;
  workers: number;
}

export type Standings = Record<JobKind, Standing>;

/** As `GET /v1/runtimestats` has it. */
export async function inRuntimeStats(client: ViceClient): Promise<Standings> {
  const stats = expectStatus(200, await client.get<RuntimeStats>('/runtimestats'));
  return {
    import: { pending: stats.importsPending, workers: stats.importWorker },
    export: { pending: stats.exportsPending, workers: stats.exportWorker },
    store: { pending: stats.storePending, workers: stats.storeWorker },
  };
}

/** As RabbitMQ's management API has it: messages ready and unacknowledged, and consumers. */
export async function inManagement({ managementUrl }: TestBroker, queuePrefix: string): Promise<Standings> {
  const { username, password, origin, pathname } = new URL(managementUrl);
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const response = await fetch(`${origin}${pathname}/queues/%2F`, { headers: { authorization } });
  const all = (await response.json()) as { name: string; messages?: number; consumers?: number }[];
  const byName = new Map(all.map((queue) => [queue.name, queue]));
  const of = (queue: JobQueue) => byName.get(jobQueue(queuePrefix, queue).name);
  return standings(
    (queue) => of(queue)?.messages ?? Number.NaN,
    (kind) => of(QUEUES_OF_KIND[kind][0]!)?.consumers ?? Number.NaN,
  );
}

/** One process' `/metrics`. */
export class Scrape {
  private constructor(private readonly samples: ReadonlyMap<string, number>) {}

  static async of({ url }: TestProcess): Promise<Scrape> {
    const response = await fetch(`${url}/metrics`);
    if (response.status !== 200) throw new Error(`${url}/metrics answers ${response.status}`);
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const samples = lines.map((line) => {
      const [, name = '', labels = '', value = ''] = /^([^{ ]+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      return [`${name}{${labels.split(',').sort().join()}}`, Number(value)] as const;
    });
    return new Scrape(new Map(samples));
  }

  /** NaN where there is none. */
  value(name: string, labels: Record<string, string>): number {
    return this.samples.get(`${name}{${asText(labels)}}`) ?? Number.NaN;
  }

  /** The sum of all samples of a name that have these labels, whatever others they have. */
  sum(name: string, labels: Record<string, string> = {}): number {
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    return [...this.samples]
      .filter(([sample]) => sample.startsWith(`${name}{`) && wanted.every((label) => sample.includes(label)))
      .reduce((sum, [, value]) => sum + value, 0);
  }

  standings(): Standings {
    const inHand = (kind: JobKind) => this.value('vice_queue_in_hand', { kind });
    const found = standings(
      (queue) => this.value('vice_queue_ready', { queue }),
      (kind) => this.value('vice_workers', { kind }),
    );
    for (const kind of JOB_KINDS) {
      found[kind].pending += inHand(kind);
      const told = this.value('vice_queue_pending', { kind });
      if (told !== found[kind].pending)
        throw new Error(`vice_queue_pending of ${kind} is ${told}, and its parts ${found[kind].pending}`);
    }
    return found;
  }
}

function standings(messages: (queue: JobQueue) => number, workers: (kind: JobKind) => number): Standings {
  const of = (kind: JobKind): Standing => ({
    pending: JOB_QUEUES.filter((queue) => QUEUES_OF_KIND[kind].includes(queue)).reduce((sum, queue) => sum + messages(queue), 0),
    workers: workers(kind),
  });
  return Object.fromEntries(JOB_KINDS.map((kind) => [kind, of(kind)])) as Standings;
}

const asText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}="${value}"`)
    .sort()
    .join();
