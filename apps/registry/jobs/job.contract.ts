import { type Job } from '#libs/contracts';
import { type JobEntity } from '../database/index.js';

/** A job as its owner sees it. */
export function toJob(job: JobEntity): Job {
  return {
    id: job.id,
    kind: job.kind,
    action: job.action,
    state: job.state,
    attempt: job.attempt,
    bytesDone: job.bytesDone,
    bytesTotal: job.bytesTotal,
    percent: percentOf(job),
    bytesPerSecond: job.bytesPerSecond,
    error: job.errorCode === null ? null : { code: job.errorCode, message: job.errorMessage ?? '' },
    ...(job.log === null ? {} : { log: job.log }),
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    endedAt: job.endedAt?.toISOString() ?? null,
  };
}

/** Rounded down: 100 is all of it. */
function percentOf({ state, bytesDone, bytesTotal }: JobEntity): number | null {
  if (state === 'succeeded') return 100;
  if (bytesTotal === null) return null;
  return bytesTotal === 0 ? 0 : Math.min(100, Math.floor((bytesDone / bytesTotal) * 100));
}

/** The same, as an event says it. */
export function toJobChange(job: JobEntity) {
  return { type: 'job' as const, data: { ...toJob(job), imageid: job.imageId, deploymentid: job.deploymentId } };
}
