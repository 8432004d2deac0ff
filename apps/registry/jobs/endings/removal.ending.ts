import { Injectable } from '@nestjs/common';
import { Jobs, type Json } from '#libs/contracts';
import { DeploymentEntity, type JobEntity, type Transaction } from '../../database/index.js';
import { DeploymentChanges } from '../../deployments/deployment-changes.service.js';
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
    deployment.status = 'failed';
    await this.changes.save(tx, deployment);
  }
}
