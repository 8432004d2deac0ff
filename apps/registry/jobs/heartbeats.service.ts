import { Inject, Injectable } from '@nestjs/common';
import { storableText, type JobProgress } from '#libs/contracts';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { ViceError } from '#libs/errors';
import { Database, JobEntity, rowsOf } from '../database/index.js';
import { ProgressService } from './progress.service.js';

export interface Heartbeat {
  jobId: string;
  attempt: number;
  progress: JobProgress;
  log?: string;
}

/** Hears workers while they run a job. */
@Injectable()
export class HeartbeatsService {
  constructor(
    private readonly database: Database,
    private readonly progress: ProgressService,
    @Inject(VICE_CONFIG) private readonly config: ViceConfig,
  ) {}

  /** Renews the lease, or says why the attempt has to stop. */
  async heard({ jobId, attempt, progress, log }: Heartbeat): Promise<{ stop: 'cancelled' | 'fenced' | null; leaseMs: number }> {
    const { leaseMs } = this.config;
    const renewed = await this.change(
      `UPDATE jobs SET lease_until = now() + $3 * interval '1 millisecond', bytes_done = $4, bytes_total = coalesce($5, bytes_total),
         bytes_per_second = $6, log = coalesce($7, log)
       WHERE id = $1 AND attempt = $2 AND state = 'running' AND lease_until > now() AND NOT cancel_requested RETURNING id`,
      [
        jobId,
        attempt,
        leaseMs,
        progress.bytesDone,
        progress.bytesTotal,
        Math.round(progress.bytesPerSecond),
        log === undefined ? null : storableText(log),
      ],
    );
    const job = await this.database.source.manager.findOneBy(JobEntity, { id: jobId });
    if (!renewed) return { stop: isCancelled(job, attempt) ? 'cancelled' : 'fenced', leaseMs };
    if (job) void this.progress.tell(job);
    return { stop: null, leaseMs };
  }

  /** Keeps the reference of a deployment. Raises JOB_FENCED or JOB_CANCELLED when the attempt may go on no longer. */
  async noteReference({ jobId, attempt, reference }: { jobId: string; attempt: number; reference: string }): Promise<void> {
    const noted = await this.change(
      `UPDATE deployments SET reference = $3 FROM jobs
       WHERE jobs.id = $1 AND jobs.attempt = $2 AND jobs.state = 'running' AND jobs.lease_until > now() AND NOT jobs.cancel_requested
         AND deployments.id = jobs.deployment_id RETURNING deployments.id`,
      [jobId, attempt, reference],
    );
    if (noted) return;
    const job = await this.database.source.manager.findOneBy(JobEntity, { id: jobId });
    if (isCancelled(job, attempt)) throw new ViceError('JOB_CANCELLED', 'the deployment was deleted while it was being made');
    throw new ViceError('JOB_FENCED', `attempt ${attempt} of job ${jobId} has ended`);
  }

  /** Whether there was a row to change. In a transaction, so that nothing is changed once the worker has given up asking. */
  private async change(sql: string, parameters: unknown[]): Promise<boolean> {
    return this.database.transaction(async ({ manager }) => (await rowsOf(manager, sql, parameters)).length > 0);
  }
}

const isCancelled = (job: JobEntity | null, attempt: number) =>
  job !== null && job.attempt === attempt && (job.cancelRequested || job.state === 'cancelled');
