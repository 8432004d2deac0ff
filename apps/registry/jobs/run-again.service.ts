import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { Jobs, type Job } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Database, EnvironmentEntity, ImageEntity, JobEntity, type Transaction } from '../database/index.js';
import { DeploymentChanges } from '../deployments/deployment-changes.service.js';
import { ImageChanges } from '../images/image-changes.service.js';
import { EndingsService } from './endings.service.js';
import { withFormerError } from './former-error.js';
import { forgetRefusal } from './inspection-memory.js';
import { requireViewer, type JobViewer } from './job-access.js';
import { toJob } from './job.contract.js';
import { JobOutbox } from './job-outbox.js';
import { trailColumns } from './job-trail.js';
import { runAgain } from './run-again.rules.js';
import { situationOf, type LockedSituation } from './run-again.situation.js';

/**
 * Runs failed jobs again. It is the same row, which waits for its next attempt: so what an attempt before it still reports is refused, and
 * what it left, staged bytes, temporaries or half a deployment, is found by the names that it gave to them.
 */
@Injectable()
export class RunAgainService {
  constructor(
    private readonly database: Database,
    private readonly endings: EndingsService,
    private readonly outbox: JobOutbox,
    private readonly images: ImageChanges,
    private readonly deployments: DeploymentChanges,
  ) {}

  /** Raises JOB_NOT_FOUND, or JOB_NOT_RETRYABLE with the reason. Of two at once, one is refused. */
  async run(viewer: JobViewer, jobId: string): Promise<Job> {
    return this.database.transaction(async (tx) => {
      const where = { id: jobId };
      const seen = isUUID(jobId) ? await tx.manager.findOneBy(JobEntity, where) : null;
      requireViewer(seen, viewer, jobId);
      // The environment first: so does whoever deletes it, and then comes to its jobs.
      const environment = await keptEnvironment(tx, seen.environmentId);
      const job = await tx.manager.findOneOrFail(JobEntity, { where, lock: { mode: 'pessimistic_write' } });
      await this.withdrawDisposal(tx, job);
      const situation = await situationOf(tx, job, environment);
      const decision = runAgain(situation.job);
      if ('refused' in decision)
        throw new ViceError('JOB_NOT_RETRYABLE', `job ${jobId} cannot be run again: ${decision.refused}`);
      if (job.action === Jobs.inspectBlob.action) await forgetRefusal(tx, job);
      const queued = await this.queue(tx, job, viewer);
      await this.tell(tx, situation, decision);
      return toJob(queued);
    });
  }

  /** What an import left serves its next attempt, which disposes of it in the end: a disposal that has not begun is not to. */
  private async withdrawDisposal(tx: Transaction, { id, action, state }: JobEntity): Promise<void> {
    if (action !== Jobs.importImage.action || state !== 'failed') return;
    const disposals = await tx.manager
      .createQueryBuilder(JobEntity, 'job')
      .where(`job.action = :dispose AND job.state = 'queued' AND job.details->>'marker' = :id`, {
        dispose: Jobs.disposeTemporaries.action,
        id,
      })
      .orderBy('job.id')
      .setLock('pessimistic_write')
      .getMany();
    for (const disposal of disposals) await this.endings.cancelQueued(tx, disposal);
  }

  private async queue(tx: Transaction, job: JobEntity, viewer: JobViewer): Promise<JobEntity> {
    const now = () => 'now()';
    const columns: object = {
      ...trailColumns(),
      ...{ state: 'queued', failures: 0, errorCode: null, errorMessage: null, log: withFormerError(job, viewer) },
      ...{ bytesDone: 0, bytesPerSecond: 0, cancelRequested: false, published: false },
      ...{ dueAt: now, publishAt: now, leaseUntil: null, startedAt: null, endedAt: null },
    };
    await tx.manager.update(JobEntity, { id: job.id }, columns);
    const queued = await tx.manager.findOneByOrFail(JobEntity, { id: job.id });
    this.outbox.changed(tx, queued);
    this.outbox.requeued(tx);
    return queued;
  }

  private async tell(
    tx: Transaction,
    { image, deployment }: LockedSituation,
    { image: imageStatus, deployment: deploymentStatus }: Exclude<ReturnType<typeof runAgain>, { refused: string }>,
  ): Promise<void> {
    if (image && imageStatus) {
      const columns: object = { status: imageStatus, updatedAt: () => 'now()' };
      await tx.manager.update(ImageEntity, { id: image.id }, columns);
      await this.images.changed(tx, [image.id]);
    }
    if (deployment && deploymentStatus) {
      deployment.status = deploymentStatus;
      await this.deployments.save(tx, deployment);
    }
  }
}

async function keptEnvironment(tx: Transaction, id: string | null): Promise<EnvironmentEntity | null> {
  if (id === null) return null;
  return tx.manager.findOne(EnvironmentEntity, { where: { id }, lock: { mode: 'pessimistic_read' } });
}
