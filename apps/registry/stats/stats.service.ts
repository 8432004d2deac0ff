import { Inject, Injectable } from '@nestjs/common';
import { JOB_KINDS, QUEUES_OF_KIND, type JobKind, type JobQueue, type RuntimeStats } from '#libs/contracts';
import { BROKER, type Broker, type QueueDepth } from '#libs/messaging';
import { Database } from '../database/index.js';

type Depths = Readonly<Record<JobQueue, QueueDepth>>;
export type ByKind = Readonly<Record<JobKind, number>>;

/** Counts what waits and what runs: for runtimestats, and with every scrape of the metrics. */
@Injectable()
export class StatsService {
  constructor(
    private readonly database: Database,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /** How the queues stand at this moment. Raises UNAVAILABLE when the broker does not say. */
  async runtime(): Promise<RuntimeStats> {
    const [depths, inHand] = await Promise.all([this.broker.depths(), this.inHand()]);
    const [pending, workers] = [pendingOf(depths, inHand), workersOf(depths)];
    return {
      importsPending: pending.import,
      importWorker: workers.import,
      exportsPending: pending.export,
      exportWorker: workers.export,
      storePending: pending.store,
      storeWorker: workers.store,
    };
  }

  /** Jobs under a live lease. */
  async inHand(): Promise<ByKind> {
    const rows = await this.database.query<{ kind: JobKind; jobs: number }>(
      `SELECT kind, count(*)::int AS jobs FROM jobs WHERE state = 'running' AND lease_until > now() GROUP BY kind`,
    );
    return byKind((kind) => rows.find((row) => row.kind === kind)?.jobs ?? 0);
  }
}

/** Messages that nobody has taken yet, and jobs in hand. */
export function pendingOf(depths: Depths, inHand: ByKind): ByKind {
  return byKind((kind) => QUEUES_OF_KIND[kind].reduce((sum, queue) => sum + depths[queue].ready, inHand[kind]));
}

/** A worker consumes every queue of its kind, so the first one's consumers are the workers. */
export function workersOf(depths: Depths): ByKind {
  return byKind((kind) => depths[QUEUES_OF_KIND[kind][0]!].consumers);
}

const byKind = (value: (kind: JobKind) => number): ByKind =>
  Object.fromEntries(JOB_KINDS.map((kind) => [kind, value(kind)])) as Record<JobKind, number>;
