import { Injectable } from '@nestjs/common';
import { Jobs, type Json } from '#libs/contracts';
import { DeploymentEntity, JobEntity, type Transaction } from '../../database/index.js';
import { DeploymentChanges } from '../../deployments/deployment-changes.service.js';
import { withRemovalDetails, type RemovalDetails } from '../removal-details.js';
import { type JobEnding } from '../endings.service.js';

/** Taken down → gone. What could not be taken down has failed, and can be deleted again. */
@Injectable()
export class RemovalEnding implements JobEnding {
  readonly action = Jobs.removeDeployment.action;

  constructor(private readonly changes: DeploymentChanges) {}

  async ended(tx: Transaction, job: JobEntity, result: Json | null): Promise<void> {
    const deployment = await tx.manager.findOneBy(DeploymentEntity, { id: job.deploymentId ?? '' });
    if (!deployment) return;
    if (result && deployment.status === 'removing') return this.changes.remove(tx, deployment);
    if (result) deployment.reference = null;
    else await rememberIntent(tx, job, { takesDeployment: deployment.status === 'removing' });
    deployment.status = 'failed';
    await this.changes.save(tx, deployment);
  }
}

/** The deployment does not say it any more: for the case that the removal is run again. */
async function rememberIntent({ manager }: Transaction, job: JobEntity, intent: RemovalDetails): Promise<void> {
  const columns: object = { details: withRemovalDetails(job.details, intent) };
  await manager.update(JobEntity, { id: job.id }, columns);
}
