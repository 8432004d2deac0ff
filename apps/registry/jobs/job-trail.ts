import { currentTrail, withinWork } from '#libs/observability';
import { type JobEntity } from '../database/index.js';

type TrailColumns = Pick<JobEntity, 'requestId' | 'traceParent'>;

/** What a job is caused by that is made now: the work in hand. */
export function trailColumns(): TrailColumns {
  const { requestId, traceParent } = currentTrail();
  return { requestId: requestId ?? null, traceParent: traceParent ?? null };
}

/** Runs what is done for a job, and makes other jobs follow from it: it is caused by what the job was caused by, whoever reports or cancels it. */
export function onTrailOf<T>(
  { id, attempt, requestId, traceParent }: Pick<JobEntity, 'id' | 'attempt'> & TrailColumns,
  run: () => T,
): T {
  const cause = { ...(requestId !== null && { requestId }), ...(traceParent !== null && { traceParent }) };
  return withinWork({ ...cause, jobId: id, attempt }, run);
}
