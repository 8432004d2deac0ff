import { isUUID } from 'class-validator';
import { type JobMessage, type JobOutcome, type JobReport } from '#libs/contracts';
import { handOnDelayMs, MAX_FAILURES, retryDelayMs } from './retry.rules.js';

const MOST_ATTEMPTS = 2 ** 31 - 1;

/** Whether there can be such a job at all: a message may have come from anywhere. */
export const couldBeJob = ({ jobId, attempt }: JobMessage): boolean =>
  isUUID(jobId) && Number.isInteger(attempt) && attempt >= 1 && attempt <= MOST_ATTEMPTS;

/** What the rules look at. */
export interface JobSituation {
  failures: number;
  cancelRequested: boolean;
}

/** What becomes of a job. A queued one is due after `delayMs`. `error: null` leaves the former error standing. */
export type NextState =
  | { state: 'queued'; failures: number; delayMs: number; error: JobFault | null }
  | { state: 'succeeded' | 'cancelled'; failures: number; error: null }
  | { state: 'failed'; failures: number; error: JobFault };

export interface JobFault {
  code: string;
  message: string;
}

/** The attempt reported how it ended. */
export function afterReport(job: JobSituation, outcome: JobOutcome, random: number): NextState {
  switch (outcome.kind) {
    case 'succeeded':
      return { state: 'succeeded', failures: job.failures, error: null };
    case 'cancelled':
      return { state: 'cancelled', failures: job.failures, error: null };
    case 'handed-back':
      if (job.cancelRequested) return { state: 'cancelled', failures: job.failures, error: null };
      return { state: 'queued', failures: job.failures, delayMs: 0, error: null };
    case 'failed':
      return afterFailure(job, { code: outcome.code, message: outcome.message }, outcome.transient, random, outcome.retryAfter);
  }
}

/**
 * The attempt's worker had no tools for it, but another one has: that one may take it. It counts as no failure of the job, unless the worker
 * had not said that it lacks them: else two workers that are mistaken about themselves would pass it on for ever.
 */
export function afterToolsMissing(
  job: JobSituation & { attempt: number },
  error: JobFault,
  { lacks }: { lacks: boolean },
  random: number,
): NextState {
  if (!lacks || job.cancelRequested) return afterFailure(job, error, true, random);
  return { state: 'queued', failures: job.failures, delayMs: handOnDelayMs(job.attempt, random), error };
}

/**
 * Whether something may be left in the environment once an attempt has reported. What an attempt left stays until a later one brings the
 * import to its end, which disposes of it, or until a job of its own does.
 */
export const leavesTemporaries = (before: boolean, { outcome, leftTemporaries = false }: JobReport): boolean =>
  leftTemporaries || (before && outcome.kind !== 'succeeded');

/** The worker was not heard of until its lease ended. */
export function afterLapse(job: JobSituation, random: number): NextState {
  const fault = { code: 'LEASE_LOST', message: 'the worker that ran this was not heard of any more; another attempt carries on' };
  return afterFailure(job, fault, true, random);
}

/** The broker gave up on the message before a worker had begun the attempt. Counted, so that it does not go on for ever. */
export function afterDeadLetter(job: JobSituation, reason: string | null, random: number): NextState {
  const why = reason === null ? 'without saying why' : `as ${reason}`;
  const message = `the message of this job did not reach a worker: the broker gave up on it, ${why}; is a worker there that knows such jobs, and nobody else at the queue?`;
  return afterFailure(job, { code: 'MESSAGE_DEAD_LETTERED', message }, true, random);
}

function afterFailure(job: JobSituation, error: JobFault, transient: boolean, random: number, retryAfter?: number): NextState {
  if (job.cancelRequested) return { state: 'cancelled', failures: job.failures, error: null };
  const failures = job.failures + 1;
  if (!transient) return { state: 'failed', failures, error };
  if (failures >= MAX_FAILURES)
    return { state: 'failed', failures, error: { ...error, message: `${error.message} (given up after ${failures} attempts)` } };
  return { state: 'queued', failures, delayMs: retryDelayMs(failures, random, retryAfter), error };
}
