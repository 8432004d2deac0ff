import { type Job } from '../api/job.js';
import { type Json } from '../vocabulary.js';
import { callTo, type Empty } from './call.js';

/** Bytes moved by a job; `bytesTotal` is null while it is unknown. */
export interface JobProgress {
  bytesDone: number;
  bytesTotal: number | null;
  bytesPerSecond: number;
  /** Of `bytesDone`, what a former attempt had moved already; absent: none. */
  bytesCarried?: number;
}

export interface ClaimedJob {
  action: string;
  /** The number of this attempt, from 1: it fences. */
  attempt: number;
  leaseMs: number;
  payload: Json;
}

/**
 * How an attempt ended. `transient` overrides what the table of errors says of the code.
 * `handed-back`: the worker shuts down; another attempt may follow at once, and it counts as no failure.
 */
export type JobOutcome =
  | { kind: 'succeeded'; result: Json }
  | { kind: 'failed'; code: string; message: string; transient: boolean; retryAfter?: number }
  | { kind: 'cancelled' }
  | { kind: 'handed-back' };

export interface JobReport {
  jobId: string;
  attempt: number;
  outcome: JobOutcome;
  progress: JobProgress;
  /** What the environment printed; replaces what was there. At most 64 KiB, the end of it. */
  log?: string;
  /** Whether the attempt may have left a temporary in the environment which it could not dispose of. */
  leftTemporaries?: boolean;
}

export const JobCalls = {
  /** Raises JOB_NOT_CLAIMABLE unless the job is queued, due and `attempt` is the next one. */
  claimJob: callTo<{ jobId: string; attempt: number; worker: string }, ClaimedJob>('registry', 'job.claim'),
  /** Renews the lease. `stop` says why the attempt has to end; the lease is not renewed then. */
  heartbeat: callTo<
    { jobId: string; attempt: number; progress: JobProgress; log?: string },
    { stop: 'cancelled' | 'fenced' | null; leaseMs: number }
  >('registry', 'job.heartbeat'),
  /** Raises JOB_FENCED where a later attempt has the job. A report that was heard already is accepted again. */
  reportJob: callTo<JobReport, Empty>('registry', 'job.report'),
  /** Keeps the reference of a deployment before its bytes go. Raises JOB_FENCED or JOB_CANCELLED: then what was made must be removed. */
  noteReference: callTo<{ jobId: string; attempt: number; reference: string }, Empty>('registry', 'job.reference'),
  jobsOfImage: callTo<{ userId: string; imageId: string }, Job[]>('registry', 'image.jobs'),
  jobsOfDeployment: callTo<{ userId: string; deploymentId: string }, Job[]>('registry', 'deployment.jobs'),
};
