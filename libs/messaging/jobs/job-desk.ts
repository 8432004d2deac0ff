import { JobCalls, type Ask, type ClaimedJob, type JobMessage, type JobOutcome } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type Logger } from '#libs/observability';
import { Backoff } from '../backoff.js';
import { now, type Moment } from './lease.js';
import { type JobRun } from './job-run.js';

/** A claim that the registry accepted, and when it was sent: from then the lease counts. */
export interface Claim {
  job: ClaimedJob;
  sent: Moment;
}

/** A worker's talk with the registry about its jobs. Each question is repeated until the registry answers it, or the worker gives up. */
export class JobDesk {
  constructor(
    private readonly ask: Ask,
    /** Who claims, for people who read the job's row. */
    private readonly worker: string,
    private readonly log: Logger,
  ) {}

  /** Undefined: the job is not for us, its message is void. Raises UNAVAILABLE when `givenUp` aborts before there is an answer. */
  async claim({ jobId, attempt }: JobMessage, givenUp: AbortSignal): Promise<Claim | undefined> {
    const claim = async () => {
      const sent = now();
      return { sent, job: await this.ask(JobCalls.claimJob, { jobId, attempt, worker: this.worker }) };
    };
    try {
      return await this.untilAnswered(claim, givenUp);
    } catch (error) {
      if (!isFinal(error)) throw error;
      const level = error.code === 'JOB_NOT_CLAIMABLE' ? 'debug' : 'warn';
      this.log[level]({ jobId, attempt, code: error.code }, 'a job was not given to us');
      return undefined;
    }
  }

  /** Resolves when the registry has heard of the end, or knows better. Raises UNAVAILABLE when `givenUp` aborts before. */
  async report(run: JobRun, outcome: JobOutcome, givenUp: AbortSignal): Promise<void> {
    const report = { jobId: run.id, attempt: run.attempt, outcome, ...run.account() };
    try {
      await this.untilAnswered(() => this.ask(JobCalls.reportJob, report), givenUp);
    } catch (error) {
      if (!isFinal(error)) throw error;
      this.log.warn({ jobId: run.id, attempt: run.attempt, code: error.code }, 'the report of a job was refused');
    }
  }

  private async untilAnswered<T>(question: () => Promise<T>, givenUp: AbortSignal): Promise<T> {
    const backoff = new Backoff(100, 5_000);
    for (;;) {
      try {
        return await question();
      } catch (error) {
        if (isFinal(error) || givenUp.aborted) throw error;
        this.log.warn({ reason: ViceError.from(error).message }, 'the registry cannot be reached; asking again');
      }
      await backoff.pause(givenUp);
    }
  }
}

/** The registry said no: asking again would not help. */
function isFinal(error: unknown): error is ViceError {
  return error instanceof ViceError && !error.transient;
}
