import { Delete, Get, Post, Req } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { Deployment, DeploymentCalls, DeploymentInput, Job, JobCalls } from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { DeploymentId } from '../bodies/id.js';
import { Input } from '../bodies/input.decorator.js';
import { QueryReader } from '../bodies/query.js';
import { Operation } from '../http/operation.decorator.js';
import { type GatewayRequest } from '../http/request.js';
import { V1Controller } from '../http/v1.controller.js';
import { UserId } from '../login/login.guard.js';

const UNAUTHENTICATED = { 401: 'Authentication information is missing or invalid' };
const NOT_FOUND = { 404: 'Deployment not found' };

@V1Controller('deployments')
export class DeploymentsController {
  constructor(private readonly calls: CallClient) {}

  @Post('deploy')
  @Operation('deployImage', {
    summary: 'Deploy an image into an environment',
    description: 'What the environment takes goes as it is; what it does not is converted first, once. `plan` tells the steps.',
    takes: DeploymentInput,
    status: 201,
    answers: Deployment,
    problems: {
      ...UNAUTHENTICATED,
      405: 'Invalid input',
      409: 'The image has no content, there is no way to what the environment takes, or tools for it are missing',
      413: 'Body over 1 MiB',
      415: 'Neither JSON nor XML',
    },
  })
  deployImage(@UserId() userId: string, @Input(DeploymentInput) input: DeploymentInput): Promise<Deployment> {
    const { imageid: imageId, environmentId, title, specifics } = input;
    const deployment = { imageId, environmentId, title: title ?? null, specifics: specifics ?? {} };
    return this.calls.ask(DeploymentCalls.deployImage, { userId, deployment });
  }

  @Get('deployments')
  @Operation('findDeployments', {
    summary: 'List all deployments of authenticated user',
    answers: [Deployment],
    problems: UNAUTHENTICATED,
  })
  findDeployments(@UserId() userId: string): Promise<Deployment[]> {
    return this.calls.ask(DeploymentCalls.findDeployments, { userId });
  }

  @Get('deployment/:deploymentId')
  @Operation('getDeployment', {
    summary: 'Get a deployment',
    answers: Deployment,
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND },
  })
  getDeployment(@UserId() userId: string, @DeploymentId() deploymentId: string): Promise<Deployment> {
    return this.calls.ask(DeploymentCalls.getDeployment, { userId, deploymentId });
  }

  @Delete('deployment/:deploymentId')
  @ApiQuery({
    name: 'forget',
    required: false,
    enum: ['true', 'false'],
    description: 'Drop one whose environment is gone for good',
  })
  @Operation('deleteDeployment', {
    summary: 'Removes an image deployment from the environment',
    problems: { 400: 'Invalid query parameter', ...UNAUTHENTICATED, ...NOT_FOUND },
  })
  async deleteDeployment(
    @UserId() userId: string,
    @DeploymentId() deploymentId: string,
    @Req() request: GatewayRequest,
  ): Promise<void> {
    const query = new QueryReader(request.query);
    const forget = query.oneOf('forget', ['true', 'false']) === 'true';
    query.finish();
    await this.calls.ask(DeploymentCalls.deleteDeployment, { userId, deploymentId, forget });
  }

  @Get('deployment/:deploymentId/jobs')
  @Operation('findDeploymentJobs', {
    summary: 'List the jobs of a deployment, newest first',
    answers: [Job],
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND },
  })
  findDeploymentJobs(@UserId() userId: string, @DeploymentId() deploymentId: string): Promise<Job[]> {
    return this.calls.ask(JobCalls.jobsOfDeployment, { userId, deploymentId });
  }
}
