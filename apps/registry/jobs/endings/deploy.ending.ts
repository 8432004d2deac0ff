import { Injectable } from '@nestjs/common';
import { Jobs, type DeployedImage, type Json } from '#libs/contracts';
import { DeploymentEntity, type JobEntity, type Transaction } from '../../database/index.js';
import { DeploymentChanges } from '../../deployments/deployment-changes.service.js';
import { type JobEnding } from '../endings.service.js';
import { removalDraft } from '../job-drafts.js';
import { JobOutbox } from '../job-outbox.js';

/** Exported → deployed. What was deleted meanwhile, or failed half-way, is taken down again. */
@Injectable()
export class DeployEnding implements JobEnding {
  readonly action = Jobs.deployImage.action;

  constructor(
    private readonly changes: DeploymentChanges,
    private readonly outbox: JobOutbox,
  ) {}

  async ended(tx: Transaction, job: JobEntity, result: Json | null): Promise<void> {
    const deployment = await tx.manager.findOneBy(DeploymentEntity, { id: job.deploymentId ?? '' });
    if (!deployment) return;
    const deployed = result as unknown as DeployedImage | null;
    if (deployed) Object.assign(deployment, { reference: deployed.reference, receipt: deployed.receipt });
    if (deployment.status === 'removing') await this.outbox.add(tx, removalDraft(deployment));
    else if (deployed) deployment.status = 'deployed';
    else {
      deployment.status = 'failed';
      // A reference is noted before the first byte goes: without one nothing can have been left behind.
      if (deployment.reference) await this.outbox.add(tx, removalDraft(deployment));
    }
    await this.changes.save(tx, deployment);
  }
}
