import { randomUUID } from 'node:crypto';
import { Delete, Get, Post, Put, Req, Res } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import {
  Environment,
  EnvironmentCalls,
  EnvironmentCheck,
  EnvironmentInput,
  RemoteCalls,
  RemoteImageEntry,
} from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { SecretBox } from '#libs/secrets';
import { EnvironmentId, idOfUpdate } from '../bodies/id.js';
import { Input } from '../bodies/input.decorator.js';
import { QueryReader } from '../bodies/query.js';
import { pageLinks } from '../http/page-links.js';
import { Operation } from '../http/operation.decorator.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';
import { V1Controller } from '../http/v1.controller.js';
import { UserId } from '../login/login.guard.js';
import { environmentDraft } from './environment-draft.js';

const UNAUTHENTICATED = { 401: 'Authentication information is missing or invalid' };
const NOT_FOUND = { 404: 'Element not found' };
const INVALID = { 405: 'Invalid input', 413: 'Body over 1 MiB', 415: 'Neither JSON nor XML' };

@V1Controller('environments')
export class EnvironmentsController {
  constructor(
    private readonly calls: CallClient,
    private readonly box: SecretBox,
  ) {}

  @Get('environments')
  @ApiQuery({
    name: 'filterManagementlayer',
    type: String,
    required: false,
    description: 'software or type, without regard to case',
  })
  @ApiQuery({
    name: 'filterRuntimetechnology',
    type: String,
    required: false,
    description: 'software or type, without regard to case',
  })
  @Operation('findEnvironment', {
    summary: 'List by user accessible execution environments',
    answers: [Environment],
    problems: { 400: 'Invalid query parameter', ...UNAUTHENTICATED },
  })
  findEnvironment(@UserId() userId: string, @Req() request: GatewayRequest): Promise<Environment[]> {
    const query = new QueryReader(request.query);
    const managementlayer = query.text('filterManagementlayer');
    const runtimetechnology = query.text('filterRuntimetechnology');
    query.finish();
    return this.calls.ask(EnvironmentCalls.findEnvironments, {
      userId,
      ...(managementlayer !== undefined && { managementlayer }),
      ...(runtimetechnology !== undefined && { runtimetechnology }),
    });
  }

  @Post('environments')
  @Operation('createEnvironment', {
    summary: 'Create a new execution environment for authenticated user',
    takes: EnvironmentInput,
    status: 201,
    answers: Environment,
    problems: { ...UNAUTHENTICATED, ...INVALID },
  })
  createEnvironment(@UserId() userId: string, @Input(EnvironmentInput) input: EnvironmentInput): Promise<Environment> {
    const environment = environmentDraft(input, randomUUID(), this.box);
    return this.calls.ask(EnvironmentCalls.createEnvironment, { userId, environment });
  }

  @Put('environments')
  @Operation('updateEnvironment', {
    summary: 'Update an existing execution environment',
    description: 'The id is in the body. An absent field stays as it is, null clears it.',
    takes: EnvironmentInput,
    status: 201,
    answers: Environment,
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND, ...INVALID },
  })
  updateEnvironment(@UserId() userId: string, @Input(EnvironmentInput) input: EnvironmentInput): Promise<Environment> {
    const environment = environmentDraft(input, idOfUpdate('environment', input.id), this.box);
    return this.calls.ask(EnvironmentCalls.updateEnvironment, { userId, environment });
  }

  @Get('environment/:environmentId')
  @Operation('getEnvironment', {
    summary: 'Get execution environment by id',
    answers: Environment,
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND },
  })
  getEnvironment(@UserId() userId: string, @EnvironmentId() environmentId: string): Promise<Environment> {
    return this.calls.ask(EnvironmentCalls.getEnvironment, { userId, environmentId });
  }

  @Delete('environment/:environmentId')
  @Operation('deleteEnvironment', {
    summary: 'Deletes an execution environment',
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND, 409: 'Deployments stand in it' },
  })
  async deleteEnvironment(@UserId() userId: string, @EnvironmentId() environmentId: string): Promise<void> {
    await this.calls.ask(EnvironmentCalls.deleteEnvironment, { userId, environmentId });
  }

  @Post('environment/:environmentId/check')
  @Operation('checkEnvironment', {
    summary: 'Asks the environment for a sign of life, with its credentials',
    answers: EnvironmentCheck,
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND, 409: 'No provider for this kind of environment' },
  })
  checkEnvironment(@UserId() userId: string, @EnvironmentId() environmentId: string): Promise<EnvironmentCheck> {
    return this.calls.askWithin(RemoteCalls.checkEnvironment, { userId, environmentId }, REMOTE_DEADLINE_MS);
  }

  @Get('environment/:environmentId/images')
  @ApiQuery({ name: 'page', type: String, required: false, description: 'Where a former answer’s Link led' })
  @Operation('listEnvironmentImages', {
    summary: 'List what can be imported from an environment',
    answers: [RemoteImageEntry],
    headers: { Link: 'The next page, rel="next"' },
    problems: {
      400: 'Invalid query parameter',
      ...UNAUTHENTICATED,
      ...NOT_FOUND,
      409: 'No provider',
      502: 'Environment does not answer',
    },
  })
  async listEnvironmentImages(
    @UserId() userId: string,
    @EnvironmentId() environmentId: string,
    @Req() request: GatewayRequest,
    @Res({ passthrough: true }) reply: GatewayReply,
  ): Promise<RemoteImageEntry[]> {
    const query = new QueryReader(request.query);
    const page = query.text('page');
    query.finish();
    const asked = { userId, environmentId, ...(page !== undefined && { page }) };
    const { images, next } = await this.calls.askWithin(RemoteCalls.listRemoteImages, asked, REMOTE_DEADLINE_MS);
    reply.header('link', pageLinks(request.url, 'page', next));
    return images;
  }
}

/** An environment may be far away and slow. */
const REMOTE_DEADLINE_MS = 30_000;
