import { Inject, Injectable } from '@nestjs/common';
import { storableText, type Json } from '#libs/contracts';
import { Metrics, type Logger } from '#libs/observability';
import { JobEntity, type Transaction } from '../database/index.js';
import { LOGGER } from '../tokens.js';
import { attemptAccount } from './attempt-account.js';
import { ConvertEnding } from './endings/convert.ending.js';
import { DeployEnding } from './endings/deploy.ending.js';
import { ImportEnding } from './endings/import.ending.js';
import { InspectionEnding } from './endings/inspection.ending.js';
import { RemovalEnding } from './endings/removal.ending.js';
import { forgetDeletedEnvironment } from './endings/environment.ending.js';
import { disposalDraft } from './job-drafts.js';
import { JobOutbox } from './job-outbox.js';
import { onTrailOf } from './job-trail.js';
import { type NextState } from './job.rules.js';

/** What comes next when a job of one action has ended. `result` is null unless it succeeded. */
export interface JobEnding {
  readonly action: string;
  ended(tx: Transaction, job: JobEntity, result: Json | null): Promise<void>;
}

/** How an attempt ended, beside what becomes of its job. */
export interface AttemptEnd {
  /** Its worker was not heard of any more. */
  lapsed?: boolean;
  /** That it moved. */
  bytes?: number;
}

/** Writes down what became of a job and does what follows from it, in one transaction. */
@Injectable()
export class EndingsService {
  private readonly endings: ReadonlyMap<string, JobEnding>;

  constructor(
    imported: ImportEnding,
    inspected: InspectionEnding,
    converted: ConvertEnding,
    deployed: DeployEnding,
    removed: RemovalEnding,
    private readonly outbox: JobOutbox,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.endings = new Map([imported, inspected, converted, deployed, removed].map((ending) => [ending.action, ending]));
  }

  /** `job` is locked, and carries what the attempt reported. */
  async apply(tx: Transaction, job: JobEntity, next: NextState, result: Json | null, end: AttemptEnd = {}): Promise<void> {
    await onTrailOf(job, () => this.end(tx, job, next, result, end));
  }

  private async end(tx: Transaction, job: JobEntity, next: NextState, result: Json | null, end: AttemptEnd): Promise<void> {
    const before = { state: job.state, failures: job.failures };
    job.state = next.state;
    job.failures = next.failures;
    if (next.error) [job.errorCode, job.errorMessage] = [next.error.code, storableText(next.error.message)];
    if (next.state === 'succeeded') [job.errorCode, job.errorMessage] = [null, null];
    const written = await this.write(tx, job, next);
    this.count(tx, job, before, next, { ...end, ...written });
    this.logger.info({ action: job.action, state: job.state, error: next.error ?? undefined }, 'an attempt ended');
    if (next.state === 'queued') return this.outbox.requeued(tx);
    await this.after(tx, job, result);
  }

  /** Ends a job that waits in the queue. */
  async cancelQueued(tx: Transaction, job: JobEntity): Promise<void> {
    await this.apply(tx, job, { state: 'cancelled', failures: job.failures, error: null }, null);
  }

  /** What becomes of a job that waits is no attempt's end: it was cancelled, or its message was lost, which is a failure all the same. */
  private count(
    tx: Transaction,
    { kind, action, attempt }: JobEntity,
    before: Pick<JobEntity, 'state' | 'failures'>,
    next: NextState,
    { lapsed = false, bytes = 0, seconds, software }: AttemptEnd & Written,
  ): void {
    const sort = { kind, action };
    const account = attemptAccount(before, next, lapsed);
    tx.afterCommit(() => {
      if (before.state === 'running') this.metrics.jobs.attemptEnded({ ...sort, ...account, attempt, seconds, bytes, software });
      else if (account.code !== null) this.metrics.jobs.failed(sort, account.code);
      if (next.state !== 'queued') this.metrics.jobs.ended(sort, next.state);
    });
  }

  private async write(tx: Transaction, job: JobEntity, next: NextState): Promise<Written> {
    const { state, failures, errorCode, errorMessage, bytesDone, bytesTotal, bytesPerSecond, log, leftTemporaries } = job;
    const columns = {
      state,
      failures,
      errorCode,
      errorMessage,
      bytesDone,
      bytesTotal,
      bytesPerSecond,
      log,
      leftTemporaries,
      published: false,
    };
    const due = () => `now() + interval '${next.state === 'queued' ? Math.round(next.delayMs) : 0} milliseconds'`;
    const times =
      next.state === 'queued' ? { dueAt: due, publishAt: due, leaseUntil: null } : { endedAt: () => 'now()', leaseUntil: null };
    const { raw } = await tx.manager
      .createQueryBuilder()
      .update(JobEntity)
      .set({ ...columns, ...times })
      .where({ id: job.id })
      .returning(WRITTEN)
      .execute();
    const [written] = raw as (Written & { ended_at: Date | null })[];
    job.endedAt = written?.ended_at ?? null;
    this.outbox.changed(tx, job);
    return { seconds: written?.seconds ?? null, software: written?.software ?? null };
  }

  private async after(tx: Transaction, job: JobEntity, result: Json | null): Promise<void> {
    if (job.leftTemporaries && job.environmentId) await this.outbox.add(tx, disposalDraft(job));
    await this.endings.get(job.action)?.ended(tx, job, result);
    if (job.environmentId) await forgetDeletedEnvironment(tx, job.environmentId);
  }
}

/** What the database says of an attempt that has ended: how long it took, and where it was at work. */
interface Written {
  seconds: number | null;
  software: string | null;
}

const WRITTEN = `ended_at, extract(epoch FROM now() - claimed_at)::float8 AS seconds,
  (SELECT managementlayer->>'software' FROM environments WHERE environments.id = jobs.environment_id) AS software`;
