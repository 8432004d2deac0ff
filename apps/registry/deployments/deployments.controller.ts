import { Controller } from '@nestjs/common';
import { DeploymentCalls, JobCalls, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { JobsService } from '../jobs/index.js';
import { DeploymentsService } from './deployments.service.js';

@Controller()
export class DeploymentsController {
  constructor(
    private readonly deployments: DeploymentsService,
    private readonly jobs: JobsService,
  ) {}

  @CallHandler(DeploymentCalls.deployImage)
  deployImage({ userId, deployment }: RequestOf<typeof DeploymentCalls.deployImage>) {
    return this.deployments.create(userId, deployment);
  }

  @CallHandler(DeploymentCalls.findDeployments)
  findDeployments({ userId }: RequestOf<typeof DeploymentCalls.findDeployments>) {
    return this.deployments.find(userId);
  }

  @CallHandler(DeploymentCalls.getDeployment)
  getDeployment({ userId, deploymentId }: RequestOf<typeof DeploymentCalls.getDeployment>) {
    return this.deployments.get(userId, deploymentId);
  }

  @CallHandler(DeploymentCalls.deleteDeployment)
  async deleteDeployment({ userId, deploymentId, forget }: RequestOf<typeof DeploymentCalls.deleteDeployment>): Promise<Empty> {
    await this.deployments.delete(userId, deploymentId, forget);
    return {};
  }

  @CallHandler(JobCalls.jobsOfDeployment)
  async jobsOfDeployment({ userId, deploymentId }: RequestOf<typeof JobCalls.jobsOfDeployment>) {
    await this.deployments.get(userId, deploymentId);
    return this.jobs.ofDeployment(deploymentId);
  }
}
