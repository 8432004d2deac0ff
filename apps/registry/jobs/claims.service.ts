import { Inject, Injectable } from '@nestjs/common';
import { type ClaimedJob, type JobCalls, type Json, type RequestOf } from '#libs/contracts';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { ViceError } from '#libs/errors';
import { type Logger } from '#libs/observability';
import { Database, isOutage, JobEntity, type Transaction } from '../database/index.js';
import { LOGGER } from '../tokens.js';
import { EndingsService } from './endings.service.js';
import { afterReport, couldBeJob } from './job.rules.js';
import { noSuchJob } from './job-access.js';
import { PayloadsService } from './payloads.service.js';
import { ProgressService } from './progress.service.js';
import { KnownResults } from './known-results.service.js';

type ClaimRequest = RequestOf<typeof JobCalls.claimJob>;

/** Gives jobs to workers: for the time of a lease, under the number of an attempt. */
@Injectable()
export class ClaimsService {
  constructor(
    private readonly database: Database,
    private readonly payloads: PayloadsService,
    private readonly endings: EndingsService,
    private readonly known: KnownResults,
    private readonly progress: ProgressService,
    @Inject(VICE_CONFIG) private readonly config: ViceConfig,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Raises JOB_NOT_CLAIMABLE unless the job is queued, due and waits for that attempt; JOB_NOT_FOUND where there is no such job. */
  async claim(request: ClaimRequest): Promise<ClaimedJob> {
    if (!couldBeJob(request)) throw noSuchJob(request.jobId);
    const claimed = await this.claimed(request);
    if (!claimed) throw new ViceError('JOB_NOT_CLAIMABLE', `job ${request.jobId} does not wait for attempt ${request.attempt}`);
    return claimed;
  }

  /**
   * Where the payload cannot be made, all is rolled back, and the attempt has failed before it began: it is claimed by nobody. That the
   * database was away says nothing of the job.
   */
  private async claimed(request: ClaimRequest): Promise<ClaimedJob | null> {
    let fault: unknown;
    const raise = (error: unknown) => {
      throw (fault = error);
    };
    try {
      return await this.taking(request, (tx, job) => this.withPayload(tx, job).catch(raise));
    } catch (error) {
      if (error !== fault || isOutage(error)) throw error;
      return this.taking(request, (tx, job) => this.failed(tx, job, error));
    }
  }

  /** What `then` makes of the job, which is this worker's by then; null where it is not to be claimed. */
  private async taking(
    request: ClaimRequest,
    then: (tx: Transaction, job: JobEntity) => Promise<ClaimedJob | null>,
  ): Promise<ClaimedJob | null> {
    return this.database.transaction(async (tx) => {
      const job = await tx.manager.findOneBy(JobEntity, { id: request.jobId });
      if (!job) throw noSuchJob(request.jobId);
      if (await this.known.waits(tx, job)) return null;
      if (!(await this.take(tx, job, request)) || (await this.known.ends(tx, job))) return null;
      return then(tx, job);
    });
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
    const taken = { state: 'running' as const, attempt, worker, published: false, bytesDone: 0, bytesPerSecond: 0 };
    const { raw } = await tx.manager
      .createQueryBuilder()
      .update(JobEntity)
      .set({
        ...taken,
        leaseUntil: () => `now() + interval '${this.config.leaseMs} milliseconds'`,
        startedAt: () => 'coalesce(started_at, now())',
        claimedAt: () => 'now()',
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

  private async withPayload(tx: Transaction, job: JobEntity): Promise<ClaimedJob> {
    const payload = await this.payloads.of(tx, job);
    tx.afterCommit(() => this.progress.tell(job));
    return { action: job.action, attempt: job.attempt, leaseMs: this.config.leaseMs, payload: payload as unknown as Json };
  }

  /** Fails for good where what the job is about is gone, and is tried again after any other fault; both show on the job. */
  private async failed(tx: Transaction, job: JobEntity, error: unknown): Promise<null> {
    const { code, message, transient } = ViceError.from(error);
    if (code === 'INTERNAL')
      this.logger.error({ jobId: job.id, action: job.action, err: error }, 'a job cannot be given to a worker');
    await this.endings.apply(tx, job, afterReport(job, { kind: 'failed', code, message, transient }, Math.random()), null);
    return null;
  }
}
