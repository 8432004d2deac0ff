import { Inject, Injectable } from '@nestjs/common';
import { storableText, type Json } from '#libs/contracts';
import { type Logger } from '#libs/observability';
import { JobEntity, type Transaction } from '../database/index.js';
import { LOGGER } from '../tokens.js';
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
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.endings = new Map([imported, inspected, converted, deployed, removed].map((ending) => [ending.action, ending]));
  }

  /** `job` is locked, and carries what the attempt reported. */
  async apply(tx: Transaction, job: JobEntity, next: NextState, result: Json | null): Promise<void> {
    await onTrailOf(job, () => this.end(tx, job, next, result));
  }

  private async end(tx: Transaction, job: JobEntity, next: NextState, result: Json | null): Promise<void> {
    job.state = next.state;
    job.failures = next.failures;
    if (next.error) [job.errorCode, job.errorMessage] = [next.error.code, storableText(next.error.message)];
    if (next.state === 'succeeded') [job.errorCode, job.errorMessage] = [null, null];
    await this.write(tx, job, next);
    this.logger.info({ action: job.action, state: job.state, error: next.error ?? undefined }, 'an attempt ended');
    if (next.state === 'queued') return this.outbox.requeued(tx);
    await this.after(tx, job, result);
  }

  /** Ends a job that waits in the queue. */
  async cancelQueued(tx: Transaction, job: JobEntity): Promise<void> {
    await this.apply(tx, job, { state: 'cancelled', failures: job.failures, error: null }, null);
  }

  private async write(tx: Transaction, job: JobEntity, next: NextState): Promise<void> {
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
      .returning(['endedAt'])
      .execute();
    job.endedAt = (raw as { ended_at: Date | null }[])[0]?.ended_at ?? null;
    this.outbox.changed(tx, job);
  }

  private async after(tx: Transaction, job: JobEntity, result: Json | null): Promise<void> {
    if (job.leftTemporaries && job.environmentId) await this.outbox.add(tx, disposalDraft(job));
    await this.endings.get(job.action)?.ended(tx, job, result);
    if (job.environmentId) await forgetDeletedEnvironment(tx, job.environmentId);
  }
}
