import { Transform } from 'node:stream';
import { JobCalls, type Ask, type ClaimedJob, type JobProgress } from '#libs/contracts';
import { ViceError, type ErrorCode } from '#libs/errors';
import { untraced, withoutSecretsInHand, type Logger } from '#libs/observability';
import { patiently } from '../patiently.js';
import { unavailable } from '../unavailable.js';
import { type StopReason } from './attempt-outcome.js';
import { JobLog } from './job-log.js';
import { Lease, now, type Moment } from './lease.js';
import { Progress } from './progress.js';
import { type RunningJob } from './running-job.js';

/** Progress is told at least so often, more often where the lease is short. */
const HEARTBEAT_MS = 3_000;
/** Heartbeats without an answer yet, before no further one is sent. */
const HEARTBEATS_IN_FLIGHT = 3;

const STOP: Record<Exclude<StopReason, 'shutdown'>, [ErrorCode, string]> = {
  cancelled: ['JOB_CANCELLED', 'the job was cancelled'],
  fenced: ['JOB_FENCED', 'a later attempt has the job'],
  'lease-lost': ['LEASE_LOST', 'the lease of the job ended: the registry was not reached in time'],
};

/** One attempt of a job, from the accepted claim to the handler's end: its lease, its heartbeats, what it has to tell. */
export class JobRun implements RunningJob {
  readonly attempt: number;
  readonly writer: string;
  readonly leaseMs: number;
  stopped: StopReason | null = null;
  mayHaveTemporaries = false;
  private readonly controller = new AbortController();
  private readonly lease: Lease;
  private readonly progress = new Progress();
  private readonly logged = new JobLog();
  private readonly heart: NodeJS.Timeout;
  private inFlight = 0;

  constructor(
    readonly id: string,
    claim: ClaimedJob,
    claimSent: Moment,
    private readonly askOnce: Ask,
    private readonly logger: Logger,
  ) {
    this.attempt = claim.attempt;
    this.writer = `${id}.${claim.attempt}`;
    this.leaseMs = claim.leaseMs;
    this.lease = new Lease(claim.leaseMs, claimSent, () => this.stop('lease-lost'));
    this.heart = setInterval(() => void this.beat(), Math.min(HEARTBEAT_MS, claim.leaseMs / 3));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  readonly ask: Ask = async (call, request) => {
    const guarded: Ask = async (sameCall, sameRequest) => {
      this.assertOurs();
      return this.askOnce(sameCall, sameRequest);
    };
    const answer = await patiently(guarded, () => this.lease.held && !this.signal.aborted)(call, request);
    this.assertOurs();
    return answer;
  };

  throwIfStopped(): void {
    this.assertOurs();
    this.signal.throwIfAborted();
  }

  setTotal(bytes: number | null): void {
    this.progress.setTotal(bytes);
  }

  advance(bytes: number): void {
    this.progress.advance(bytes);
  }

  carriedOver(bytes: number): void {
    this.progress.carryOver(bytes);
  }

  meter(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        try {
          this.assertOurs();
          this.progress.advance(chunk.length);
          done(null, chunk);
        } catch (error) {
          done(error as Error);
        }
      },
    });
  }

  log(text: string): void {
    this.logged.add(withoutSecretsInHand(text));
  }

  leftTemporaries(): void {
    this.mayHaveTemporaries = true;
  }

  /** What a report says besides the outcome. */
  account(): { progress: JobProgress; log?: string; leftTemporaries?: boolean } {
    const log = this.logged.whole;
    return {
      progress: this.progress.read(),
      ...(log === undefined ? {} : { log }),
      ...(this.mayHaveTemporaries ? { leftTemporaries: true } : {}),
    };
  }

  /** Tells the handler to stop; its signal carries the first reason. A fence or a lost lease is never overruled by a later reason. */
  stop(reason: StopReason): void {
    if (this.stopped !== 'fenced' && this.stopped !== 'lease-lost') this.stopped = reason;
    this.controller.abort(errorOf(reason));
    if (reason !== 'shutdown') clearInterval(this.heart);
  }

  /** The handler has returned. */
  finish(): void {
    clearInterval(this.heart);
    this.lease.forget();
  }

  private assertOurs(): void {
    if (!this.lease.held || this.stopped === 'fenced') throw errorOf(this.stopped === 'fenced' ? 'fenced' : 'lease-lost');
  }

  private async beat(): Promise<void> {
    if (this.inFlight >= HEARTBEATS_IN_FLIGHT || !this.lease.held) return;
    this.inFlight += 1;
    const sent = now();
    const log = this.logged.news;
    try {
      const heartbeat = { jobId: this.id, attempt: this.attempt, progress: this.progress.read(), ...(log && { log }) };
      // Thousands of them in a long job would hide the rest of its trace.
      const { stop, leaseMs } = await untraced(() => this.askOnce(JobCalls.heartbeat, heartbeat));
      this.logged.markTold(log);
      if (stop) this.stop(stop);
      else this.lease.renew(leaseMs, sent);
    } catch (error) {
      if (error instanceof ViceError && !error.transient) this.stop('fenced');
      this.logger.warn({ err: error }, 'a heartbeat was not heard');
    } finally {
      this.inFlight -= 1;
    }
  }
}

function errorOf(reason: StopReason): ViceError {
  if (reason === 'shutdown') return unavailable('the worker shuts down; the job is handed back');
  return new ViceError(...STOP[reason]);
}
