import { Injectable } from '@nestjs/common';
import { Jobs, type ContentType, type Digest, type Job } from '#libs/contracts';
import { originalToLookAt } from '../conversions/content-digests.js';
import { Database, JobEntity, type DeploymentEntity, type ImageEntity, type Transaction } from '../database/index.js';
import { EndingsService } from './endings.service.js';
import { collectionDraft, importDraft, inspectionDraft, reinspectionDraft, removalDraft, type JobDraft } from './job-drafts.js';
import { JobOutbox } from './job-outbox.js';
import { toJob } from './job.contract.js';
import { In } from 'typeorm';

const SHOWN_AT_MOST = 500;

/** Begins and cancels jobs, always within the transaction that gives rise to it. */
@Injectable()
export class JobsService {
  constructor(
    private readonly outbox: JobOutbox,
    private readonly endings: EndingsService,
    private readonly database: Database,
  ) {}

  async enqueueImport(tx: Transaction, image: ImageEntity): Promise<void> {
    await this.outbox.add(tx, importDraft(image));
  }

  /** `contentType` null: to be found out. */
  async enqueueInspection(
    tx: Transaction,
    image: ImageEntity,
    blob: { digest: Digest; size: number; contentType: ContentType | null },
  ): Promise<void> {
    await this.outbox.add(tx, inspectionDraft(image, blob));
  }

  async enqueue(tx: Transaction, draft: JobDraft): Promise<JobEntity> {
    return this.outbox.add(tx, draft);
  }

  async enqueueRemoval(tx: Transaction, deployment: DeploymentEntity): Promise<void> {
    await this.outbox.add(tx, removalDraft(deployment));
  }

  /** One collection at a time: where one is under way already, nothing happens. */
  async enqueueCollection(tx: Transaction): Promise<void> {
    const { action } = Jobs.collectGarbage;
    await tx.manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [action]);
    const live = await tx.manager.countBy(JobEntity, [
      { action, state: 'queued' },
      { action, state: 'running' },
    ]);
    if (live === 0) await this.outbox.add(tx, collectionDraft());
  }

  /** Has an original looked at whose content digest a release before did not look for: one at a time, and not before what users wait for. */
  async enqueueReinspection(tx: Transaction): Promise<void> {
    const { action } = Jobs.inspectBlob;
    await tx.manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [action]);
    const isBusy = await tx.manager.existsBy(JobEntity, { action, state: In(['queued', 'running']) });
    const original = isBusy ? null : await originalToLookAt(tx);
    if (original) await this.outbox.add(tx, reinspectionDraft(original));
  }

  /** Imports and inspections of an image; of `olderThan` a generation, where that is given, else its conversions too. */
  async cancelOfImage(tx: Transaction, imageId: string, { olderThan }: { olderThan?: number } = {}): Promise<void> {
    const actions = [Jobs.importImage.action, Jobs.inspectBlob.action];
    // New content does not end what is made of the old, which stays until the new one has passed inspection.
    if (olderThan === undefined) actions.push(Jobs.convertBlob.action);
    await this.cancel(
      tx,
      'job.imageId = :imageId AND job.action IN (:...actions) AND (:olderThan::int IS NULL OR job.generation < :olderThan)',
      {
        imageId,
        actions,
        olderThan: olderThan ?? null,
      },
    );
  }

  async cancelImportsOfEnvironment(tx: Transaction, environmentId: string): Promise<void> {
    await this.cancel(tx, 'job.environmentId = :environmentId AND job.action = :action', {
      environmentId,
      action: Jobs.importImage.action,
    });
  }

  /** The export, or the conversion before it. A running one is told to stop with its next heartbeat. */
  async cancelDeploy(tx: Transaction, deploymentId: string): Promise<void> {
    await this.cancel(tx, 'job.deploymentId = :deploymentId AND job.action IN (:...actions)', {
      deploymentId,
      actions: [Jobs.convertBlob.action, Jobs.deployImage.action],
    });
  }

  async cancelOfDeployment(tx: Transaction, deploymentId: string): Promise<void> {
    await this.cancel(tx, 'job.deploymentId = :deploymentId', { deploymentId });
  }

  async liveOfDeployment(tx: Transaction, deploymentId: string): Promise<JobEntity | null> {
    return tx.manager
      .createQueryBuilder(JobEntity, 'job')
      .where(`job.deploymentId = :deploymentId AND job.state IN ('queued', 'running')`, { deploymentId })
      .getOne();
  }

  /** Whether an export of it ever began. Jobs of users are kept. */
  async wasToBeExported(tx: Transaction, deploymentId: string): Promise<boolean> {
    return tx.manager.existsBy(JobEntity, { deploymentId, action: Jobs.deployImage.action });
  }

  /** What waits ends at once; what runs is told with its next heartbeat, and has until the end of its lease. */
  private async cancel(tx: Transaction, condition: string, parameters: object): Promise<void> {
    const jobs = await tx.manager
      .createQueryBuilder(JobEntity, 'job')
      .where(`job.state IN ('queued', 'running') AND ${condition}`, parameters)
      .orderBy('job.id')
      .setLock('pessimistic_write')
      .getMany();
    for (const job of jobs) {
      if (job.state === 'queued') await this.endings.cancelQueued(tx, job);
      else await tx.manager.update(JobEntity, { id: job.id }, { cancelRequested: true });
    }
  }

  async ofImage(imageId: string): Promise<Job[]> {
    return this.newestFirst({ imageId });
  }

  async ofDeployment(deploymentId: string): Promise<Job[]> {
    return this.newestFirst({ deploymentId });
  }

  private async newestFirst(where: { imageId: string } | { deploymentId: string }): Promise<Job[]> {
    const jobs = await this.database.source.manager.find(JobEntity, {
      where,
      order: { createdAt: 'DESC', id: 'DESC' },
      take: SHOWN_AT_MOST,
    });
    return jobs.map(toJob);
  }
}
