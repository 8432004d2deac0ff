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

/** How long a claim is asked again for that the registry answers with a fault: its database may be away for a moment. */
const CLAIM_PATIENCE_MS = 3_000;

/**
 * A worker's talk with the registry about its jobs. A question that nobody answers is repeated until the worker gives up. One that is answered
 * with a fault is repeated for a while only, because it keeps a slot from other jobs: the row is the judge, and sets right what was not said.
 */
export class JobDesk {
  constructor(
    private readonly ask: Ask,
    /** Who claims: for people who read the job's row, and to tell this worker from others. */
    private readonly worker: string,
    private readonly log: Logger,
  ) {}

  /** `not-ours`: the message is void; `no-such-job`: it never stood for one. Raises UNAVAILABLE when `givenUp` aborts before there is an answer. */
  async claim({ jobId, attempt }: JobMessage, givenUp: AbortSignal): Promise<Claim | 'not-ours' | 'no-such-job'> {
    const claim = async () => {
      const sent = now();
      return { sent, job: await this.ask(JobCalls.claimJob, { jobId, attempt, worker: this.worker }) };
    };
    try {
      return await this.untilAnswered(claim, CLAIM_PATIENCE_MS, givenUp);
    } catch (error) {
      const { code } = answerIn(error);
      const level = code === 'JOB_NOT_CLAIMABLE' ? 'debug' : 'warn';
      this.log[level]({ code }, 'a job was not given to us');
      return code === 'JOB_NOT_FOUND' ? 'no-such-job' : 'not-ours';
    }
  }

  /**
   * Resolves when the registry has heard of the end, knows better, or has answered with faults for as long as a lease lasts: it ends the
   * attempt itself then. Raises UNAVAILABLE when `givenUp` aborts before.
   */
  async report(run: JobRun, outcome: JobOutcome, givenUp: AbortSignal): Promise<void> {
    const report = { jobId: run.id, attempt: run.attempt, outcome, ...run.account() };
    try {
      await this.untilAnswered(() => this.ask(JobCalls.reportJob, report), run.leaseMs, givenUp);
    } catch (error) {
      const { code } = answerIn(error);
      this.log.warn({ code }, 'the report of a job was refused');
    }
  }

  /** Raises what the registry answered when asking again would not help, or did not for `patienceMs`. */
  private async untilAnswered<T>(question: () => Promise<T>, patienceMs: number, givenUp: AbortSignal): Promise<T> {
    const backoff = new Backoff(100, 5_000);
    const began = performance.now();
    for (;;) {
      try {
        return await question();
      } catch (error) {
        const { code, transient } = ViceError.from(error);
        const patient = code === 'UNAVAILABLE' || (transient && performance.now() - began < patienceMs);
        if (!patient || givenUp.aborted) throw error;
        this.log.warn({ code, err: error }, 'the registry does not answer as it should; asking again');
      }
      await backoff.pause(givenUp);
    }
  }
}

/** What the registry said; raises the error again where it said nothing. */
function answerIn(error: unknown): ViceError {
  const answer = ViceError.from(error);
  if (answer.code === 'UNAVAILABLE') throw answer;
  return answer;
}
