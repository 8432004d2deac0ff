import { Inject, Injectable } from '@nestjs/common';
import { type ClaimedJob, type Json } from '#libs/contracts';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { ViceError } from '#libs/errors';
import { Database, JobEntity, type Transaction } from '../database/index.js';
import { EndingsService } from './endings.service.js';
import { PayloadsService } from './payloads.service.js';
import { ProgressService } from './progress.service.js';
import { KnownInspections } from './known-inspections.service.js';

/** Gives jobs to workers: for the time of a lease, under the number of an attempt. */
@Injectable()
export class ClaimsService {
  constructor(
    private readonly database: Database,
    private readonly payloads: PayloadsService,
    private readonly endings: EndingsService,
    private readonly known: KnownInspections,
    private readonly progress: ProgressService,
    @Inject(VICE_CONFIG) private readonly config: ViceConfig,
  ) {}

  /** Raises JOB_NOT_CLAIMABLE unless the job is queued, due and waits for that attempt. */
  async claim(request: { jobId: string; attempt: number; worker: string }): Promise<ClaimedJob> {
    const claimed = await this.database.transaction(async (tx) => {
      const job = await tx.manager.findOneBy(JobEntity, { id: request.jobId });
      if (!job || (await this.known.waits(tx, job))) return null;
      if (!(await this.take(tx, job, request)) || (await this.known.ends(tx, job))) return null;
      return this.withPayload(tx, job);
    });
    if (!claimed) throw new ViceError('JOB_NOT_CLAIMABLE', `job ${request.jobId} does not wait for attempt ${request.attempt}`);
    return claimed;
  }

  /**
   * Whether the job is now this worker's. While a job waits for an attempt, nothing that was read of it changes. The same worker may
   * claim the same attempt again: its first answer was lost.
   */
  private async take(
    tx: Transaction,
    job: JobEntity,
    { attempt, worker }: { attempt: number; worker: string },
  ): Promise<boolean> {
    const taken = { state: 'running' as const, attempt, worker, published: false };
    const { raw } = await tx.manager
      .createQueryBuilder()
      .update(JobEntity)
      .set({
        ...taken,
        leaseUntil: () => `now() + interval '${this.config.leaseMs} milliseconds'`,
        startedAt: () => 'coalesce(started_at, now())',
      })
      .where(
        `id = :jobId AND ((state = 'queued' AND attempt = :former AND due_at <= now())
                       OR (state = 'running' AND attempt = :attempt AND worker = :worker AND lease_until > now()))`,
        { jobId: job.id, former: attempt - 1, attempt, worker },
      )
      .returning(['startedAt'])
      .execute();
    const [row] = raw as { started_at: Date }[];
    if (row) Object.assign(job, { ...taken, startedAt: row.started_at });
    return row !== undefined;
  }

  /** A job whose payload cannot be made any more (its environment is gone) fails here, and is claimed by nobody. */
  private async withPayload(tx: Transaction, job: JobEntity): Promise<ClaimedJob | null> {
    try {
      const payload = await this.payloads.of(tx, job);
      tx.afterCommit(() => this.progress.tell(job));
      return { action: job.action, attempt: job.attempt, leaseMs: this.config.leaseMs, payload: payload as unknown as Json };
    } catch (error) {
      const { code, message, transient } = ViceError.from(error);
      if (transient) throw error;
      await this.endings.apply(tx, job, { state: 'failed', failures: job.failures + 1, error: { code, message } }, null);
      return null;
    }
  }
}
