import { type Job } from '#libs/contracts';
import { type JobEntity } from '../database/index.js';

/** A job as its owner, and an administrator, sees it. */
export function toJob(job: JobEntity): Job {
  return {
    id: job.id,
    userid: job.userId,
    imageid: job.imageId,
    deploymentid: job.deploymentId,
    environmentId: job.environmentId,
    kind: job.kind,
    action: job.action,
    state: job.state,
    attempt: job.attempt,
    bytesDone: job.bytesDone,
    bytesTotal: job.bytesTotal,
    percent: percentOf(job),
    bytesPerSecond: job.bytesPerSecond,
    error: job.errorCode === null ? null : { code: job.errorCode, message: job.errorMessage ?? '' },
    deadLetters: deadLettersOf(job),
    ...(job.log === null ? {} : { log: job.log }),
    createdAt: job.createdAt.toISOString(),
    startedAt: job.startedAt?.toISOString() ?? null,
    endedAt: job.endedAt?.toISOString() ?? null,
  };
}

const deadLettersOf = ({ deadLetters, deadLetteredAt, deadLetterReason }: JobEntity): Job['deadLetters'] =>
  deadLetteredAt ? { count: deadLetters, lastAt: deadLetteredAt.toISOString(), reason: deadLetterReason } : null;

/** Rounded down: 100 is all of it. */
function percentOf({ state, bytesDone, bytesTotal }: JobEntity): number | null {
  if (state === 'succeeded') return 100;
  if (bytesTotal === null) return null;
  return bytesTotal === 0 ? 0 : Math.min(100, Math.floor((bytesDone / bytesTotal) * 100));
}

/** The same, as an event says it. */
export function toJobChange(job: JobEntity) {
  return { type: 'job' as const, data: toJob(job) };
}
