import { Injectable } from '@nestjs/common';
import { type Deployment } from '#libs/contracts';
import { DeploymentEntity, type Transaction } from '../database/index.js';
import { EventsService } from '../events/events.service.js';
import { toDeployments } from './deployment.contract.js';

export type NewDeployment = Omit<DeploymentEntity, 'createdAt' | 'updatedAt'>;

/** Writes deployments, and tells their owner. */
@Injectable()
export class DeploymentChanges {
  constructor(private readonly events: EventsService) {}

  async create(tx: Transaction, deployment: NewDeployment): Promise<Deployment> {
    await tx.manager.getRepository(DeploymentEntity).insert(deployment as object);
    return this.tell(tx, deployment.id);
  }

  async save(tx: Transaction, deployment: DeploymentEntity): Promise<Deployment> {
    const { id, status, reference, receipt, plan, variantDigest, variantSize, variantContentType } = deployment;
    const columns: object = {
      ...{ status, reference, receipt, plan, variantDigest, variantSize, variantContentType },
      updatedAt: () => 'now()',
    };
    await tx.manager.update(DeploymentEntity, { id }, columns);
    return this.tell(tx, id);
  }

  async remove(tx: Transaction, { id, userId }: DeploymentEntity): Promise<void> {
    await tx.manager.delete(DeploymentEntity, { id });
    this.events.record(tx, userId, { type: 'deployment-deleted', data: { id } });
  }

  private async tell(tx: Transaction, id: string): Promise<Deployment> {
    const row = await tx.manager.findOneByOrFail(DeploymentEntity, { id });
    const [deployment] = await toDeployments(tx.manager, [row]);
    this.events.record(tx, row.userId, { type: 'deployment', data: deployment! });
    return deployment!;
  }
}
