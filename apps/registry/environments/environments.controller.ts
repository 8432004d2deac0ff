import { Controller } from '@nestjs/common';
import { EnvironmentCalls, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { EnvironmentDeletionService } from './environment-deletion.service.js';
import { EnvironmentsService } from './environments.service.js';

@Controller()
export class EnvironmentsController {
  constructor(
    private readonly environments: EnvironmentsService,
    private readonly deletion: EnvironmentDeletionService,
  ) {}

  @CallHandler(EnvironmentCalls.findEnvironments)
  findEnvironments(request: RequestOf<typeof EnvironmentCalls.findEnvironments>) {
    return this.environments.find(request);
  }

  @CallHandler(EnvironmentCalls.createEnvironment)
  createEnvironment({ userId, environment }: RequestOf<typeof EnvironmentCalls.createEnvironment>) {
    return this.environments.create(userId, environment);
  }

  @CallHandler(EnvironmentCalls.updateEnvironment)
  updateEnvironment({ userId, environment }: RequestOf<typeof EnvironmentCalls.updateEnvironment>) {
    return this.environments.update(userId, environment);
  }

  @CallHandler(EnvironmentCalls.getEnvironment)
  getEnvironment({ userId, environmentId }: RequestOf<typeof EnvironmentCalls.getEnvironment>) {
    return this.environments.get(userId, environmentId);
  }

  @CallHandler(EnvironmentCalls.deleteEnvironment)
  async deleteEnvironment({ userId, environmentId }: RequestOf<typeof EnvironmentCalls.deleteEnvironment>): Promise<Empty> {
    await this.deletion.delete(userId, environmentId);
    return {};
  }

  @CallHandler(EnvironmentCalls.openEnvironment)
  openEnvironment({ userId, environmentId }: RequestOf<typeof EnvironmentCalls.openEnvironment>) {
    return this.environments.open(userId, environmentId);
  }
}
