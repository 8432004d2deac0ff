import { type JobKind } from '#libs/contracts';
import { type LiveJobs, type OutboxNow } from '#libs/observability';
import { type Database } from '../database/index.js';

interface Row {
  kind: JobKind;
  queued: number;
  running: number;
  running_seconds: number;
  queued_seconds: number;
  unpublished: number;
  lag: number;
}

/**
 * By state, so that each half goes by its own index: the jobs that have ended are far more. A job counts as unpublished from when it is due: when it is
 * to be published is pushed on with every try.
 */
const LIVE_JOBS = `
  WITH live AS (
    SELECT kind, count(*) AS queued, 0 AS running, 0 AS running_seconds,
           max(extract(epoch FROM now() - due_at)) FILTER (WHERE due_at <= now()) AS queued_seconds,
           count(*) FILTER (WHERE due_at <= now() AND NOT published) AS unpublished,
           max(extract(epoch FROM now() - due_at)) FILTER (WHERE due_at <= now() AND NOT published) AS lag
      FROM jobs WHERE state = 'queued' GROUP BY kind
    UNION ALL
    SELECT kind, 0, count(*), max(extract(epoch FROM now() - claimed_at)), 0, 0, 0
      FROM jobs WHERE state = 'running' GROUP BY kind)
  SELECT kind, sum(queued)::int AS queued, sum(running)::int AS running,
         coalesce(max(running_seconds), 0)::float8 AS running_seconds, coalesce(max(queued_seconds), 0)::float8 AS queued_seconds,
         sum(unpublished)::int AS unpublished, coalesce(max(lag), 0)::float8 AS lag
    FROM live GROUP BY kind`;

/** The jobs that have not ended, and those among them that no message stands for. */
export async function liveJobs(database: Database): Promise<{ byKind: Map<JobKind, LiveJobs>; outbox: OutboxNow }> {
  const rows = await database.query<Row>(LIVE_JOBS);
  const live = ({ queued, running, running_seconds, queued_seconds }: Row): LiveJobs => ({
    queued,
    running,
    longestRunning: running_seconds,
    oldestQueued: queued_seconds,
  });
  return {
    byKind: new Map(rows.map((row) => [row.kind, live(row)])),
    outbox: {
      unpublished: rows.reduce((sum, { unpublished }) => sum + unpublished, 0),
      lag: Math.max(0, ...rows.map(({ lag }) => lag)),
    },
  };
}
