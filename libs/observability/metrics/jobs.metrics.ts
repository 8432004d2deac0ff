import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { JOB_KINDS, Jobs, type JobKind } from '#libs/contracts';
import { isErrorCode, type ErrorCode } from '#libs/errors';
import { softwareLabel } from './software-label.js';
import { replaceValues } from './replace-values.js';

/**
 * How an attempt ended. `retried`: it failed, and another follows. `handed_back`: another follows, and it counts as no failure.
 * `lease_lapsed`: its worker was not heard of any more, whatever becomes of the job.
 */
export const ATTEMPT_OUTCOMES = ['succeeded', 'failed', 'retried', 'cancelled', 'handed_back', 'lease_lapsed'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

const ENDS = ['succeeded', 'failed', 'cancelled'] as const;
const LIVE = ['queued', 'running'] as const;
/** What is no fault of a user nor of an environment: alerts ask for the first of these. */
const OWN_FAILURES: readonly ErrorCode[] = [
  'BLOB_NOT_FOUND',
  'CHECKSUM_MISMATCH',
  'CONFIGURATION',
  'INTERNAL',
  'MESSAGE_DEAD_LETTERED',
  'STORAGE_FULL',
  'TOOLS_MISSING',
];
/** Attempts from this one on are counted together. */
const MANY_ATTEMPTS = 9;
/** From 0.1 s to 6 h. */
const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600];

export interface JobSort {
  kind: JobKind;
  action: string;
}

export interface EndedAttempt extends JobSort {
  /** Its number, from 1. */
  attempt: number;
  outcome: AttemptOutcome;
  /** Of the error that it failed with; null where it did not fail. */
  code: string | null;
  /** From its claim; null: not known. */
  seconds: number | null;
  /** That it moved. */
  bytes: number;
  /** `managementlayer.software` of the job's environment; null where there is none. */
  software: string | null;
}

/** The jobs of one kind at this moment. */
export interface LiveJobs {
  queued: number;
  running: number;
  /** Seconds that the attempt which runs longest has run; 0: none runs. */
  longestRunning: number;
  /** Seconds that the job which waits longest has been due; 0: none waits. */
  oldestQueued: number;
}

/** What becomes of jobs. The registry counts it, once for each event, when that is committed. */
export class JobMetrics {
  private readonly createdTotal: Counter;
  private readonly attempts: Counter;
  private readonly endedTotal: Counter;
  private readonly failures: Counter;
  private readonly seconds: Histogram;
  private readonly bytes: Counter;
  private readonly leaseExpiries: Counter;
  private readonly live: Gauge;
  private readonly longestRunning: Gauge;
  private readonly oldestQueued: Gauge;

  constructor(registry: Registry) {
    const counter = (name: string, help: string, labelNames: string[]) =>
      new Counter({ name: `vice_jobs_${name}`, help, labelNames, registers: [registry] });
    const gauge = (name: string, help: string, labelNames: string[]) =>
      new Gauge({ name: `vice_jobs_${name}`, help, labelNames, registers: [registry] });
    const sort = ['kind', 'action'];
    this.createdTotal = counter('created_total', 'Jobs that were begun', sort);
    this.attempts = counter('attempts_total', 'Attempts that have ended, by outcome and number', [...sort, 'outcome', 'attempt']);
    this.endedTotal = counter('ended_total', 'Jobs that have ended, by outcome', [...sort, 'outcome']);
    this.failures = counter(
      'failures_total',
      'Attempts that failed, for good or not, and messages of jobs that were lost, by error code',
      [...sort, 'code'],
    );
    this.seconds = new Histogram({
      name: 'vice_jobs_duration_seconds',
      help: 'How long attempts took from claim to end, by the software of the environment',
      labelNames: [...sort, 'outcome', 'software'],
      buckets: SECONDS,
      registers: [registry],
    });
    this.bytes = counter('bytes_total', 'Bytes that attempts moved', sort);
    this.leaseExpiries = counter('lease_expiries_total', 'Attempts that ended because their worker was not heard of', ['kind']);
    this.live = gauge('live', 'Jobs that have not ended', ['kind', 'state']);
    this.longestRunning = gauge('longest_running_seconds', 'How long the attempt that runs longest has run', ['kind']);
    this.oldestQueued = gauge('oldest_queued_seconds', 'How long the job that waits longest has been due', ['kind']);
    this.beginAtZero();
  }

  created({ kind, action }: JobSort): void {
    this.createdTotal.inc({ kind, action });
  }

  attemptEnded({ kind, action, attempt, outcome, code, seconds, bytes, software }: EndedAttempt): void {
    const number = attempt < MANY_ATTEMPTS ? String(attempt) : `${MANY_ATTEMPTS}+`;
    this.attempts.inc({ kind, action, outcome, attempt: number });
    if (code !== null) this.failed({ kind, action }, code);
    if (outcome === 'lease_lapsed') this.leaseExpiries.inc({ kind });
    if (seconds !== null)
      this.seconds.observe({ kind, action, outcome, software: softwareLabel(software) }, Math.max(0, seconds));
    if (bytes > 0) this.bytes.inc({ kind, action }, bytes);
  }

  /** Of an attempt, or of a message that should have led to one. */
  failed({ kind, action }: JobSort, code: string): void {
    this.failures.inc({ kind, action, code: isErrorCode(code) ? code : 'INTERNAL' });
  }

  ended({ kind, action }: JobSort, outcome: (typeof ENDS)[number]): void {
    this.endedTotal.inc({ kind, action, outcome });
  }

  /** undefined: nobody knows. */
  showLive(jobs: ReadonlyMap<JobKind, LiveJobs> | undefined): void {
    const each = (value: (live: LiveJobs) => number) =>
      jobs && JOB_KINDS.map((kind) => [{ kind }, value(jobs.get(kind) ?? NO_JOBS)] as const);
    replaceValues(
      this.live,
      jobs && JOB_KINDS.flatMap((kind) => LIVE.map((state) => [{ kind, state }, jobs.get(kind)?.[state] ?? 0] as const)),
    );
    replaceValues(
      this.longestRunning,
      each((live) => live.longestRunning),
    );
    replaceValues(
      this.oldestQueued,
      each((live) => live.oldestQueued),
    );
  }

  /** A series that appears with its first event would hide that event from every rate. */
  private beginAtZero(): void {
    for (const { kind, action } of Object.values(Jobs)) {
      this.createdTotal.inc({ kind, action }, 0);
      this.bytes.inc({ kind, action }, 0);
      for (const code of OWN_FAILURES) this.failures.inc({ kind, action, code }, 0);
      for (const outcome of ENDS) this.endedTotal.inc({ kind, action, outcome }, 0);
      for (const outcome of ATTEMPT_OUTCOMES) this.attempts.inc({ kind, action, outcome, attempt: '1' }, 0);
    }
    for (const kind of JOB_KINDS) this.leaseExpiries.inc({ kind }, 0);
  }
}

const NO_JOBS: LiveJobs = { queued: 0, running: 0, longestRunning: 0, oldestQueued: 0 };
