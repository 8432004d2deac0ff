import { Inject, Injectable } from '@nestjs/common';
import { JOB_KINDS, QUEUES_OF_KIND, type JobKind, type JobQueue, type RuntimeStats } from '#libs/contracts';
import { BROKER, type Broker } from '#libs/messaging';
import { Database } from '../database/index.js';

type Depths = Record<JobQueue, { ready: number; consumers: number }>;

@Injectable()
export class StatsService {
  constructor(
    private readonly database: Database,
    @Inject(BROKER) private readonly broker: Broker,
  ) {}

  /** How the queues stand at this moment. Raises UNAVAILABLE when the broker does not say. */
  async runtime(): Promise<RuntimeStats> {
    const [depths, inHand] = await Promise.all([this.broker.depths(), this.jobsInHand()]);
    return runtimeStats(depths, inHand);
  }

  private async jobsInHand(): Promise<Map<JobKind, number>> {
    const rows = await this.database.query<{ kind: JobKind; jobs: number }>(
      `SELECT kind, count(*)::int AS jobs FROM jobs WHERE state = 'running' AND lease_until > now() GROUP BY kind`,
    );
    return new Map(rows.map(({ kind, jobs }) => [kind, jobs]));
  }
}

/** A worker consumes every queue of its kind, so the first one's consumers are the workers. */
export function runtimeStats(depths: Depths, inHand: ReadonlyMap<JobKind, number>): RuntimeStats {
  const of = Object.fromEntries(
    JOB_KINDS.map((kind) => {
      const queues = QUEUES_OF_KIND[kind];
      const ready = queues.reduce((sum, queue) => sum + depths[queue].ready, 0);
      return [kind, { pending: ready + (inHand.get(kind) ?? 0), workers: depths[queues[0]!].consumers }];
    }),
  ) as Record<JobKind, { pending: number; workers: number }>;
  return {
    importsPending: of.import.pending,
    importWorker: of.import.workers,
    exportsPending: of.export.pending,
    exportWorker: of.export.workers,
    storePending: of.store.pending,
    storeWorker: of.store.workers,
  };
}
