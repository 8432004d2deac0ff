import { Injectable } from '@nestjs/common';
import { DeploymentEntity, type Transaction } from '../database/index.js';
import { EventsService } from '../events/events.service.js';
import { toDeployment } from './deployment.contract.js';

export type NewDeployment = Omit<DeploymentEntity, 'createdAt' | 'updatedAt'>;

/** Writes deployments, and tells their owner. */
@Injectable()
export class DeploymentChanges {
  constructor(private readonly events: EventsService) {}

  async create(tx: Transaction, deployment: NewDeployment): Promise<DeploymentEntity> {
    await tx.manager.getRepository(DeploymentEntity).insert(deployment as object);
    return this.tell(tx, deployment.id);
  }

  async save(tx: Transaction, { id, status, reference, receipt }: DeploymentEntity): Promise<DeploymentEntity> {
    const columns: object = { status, reference, receipt, updatedAt: () => 'now()' };
    await tx.manager.update(DeploymentEntity, { id }, columns);
    return this.tell(tx, id);
  }

  async remove(tx: Transaction, { id, userId }: DeploymentEntity): Promise<void> {
    await tx.manager.delete(DeploymentEntity, { id });
    this.events.record(tx, userId, { type: 'deployment-deleted', data: { id } });
  }

  private async tell(tx: Transaction, id: string): Promise<DeploymentEntity> {
    const deployment = await tx.manager.findOneByOrFail(DeploymentEntity, { id });
    this.events.record(tx, deployment.userId, { type: 'deployment', data: toDeployment(deployment) });
    return deployment;
  }
}
