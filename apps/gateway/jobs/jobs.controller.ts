import { applyDecorators, Get, Post, Req, Res } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { DeadLetter, Job, JOB_ACTIONS, JOB_KINDS, JOB_QUEUES, JOB_STATES, JobCalls } from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { JobId } from '../bodies/id.js';
import { Operation } from '../http/operation.decorator.js';
import { pageLinks } from '../http/page-links.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';
import { V1Controller } from '../http/v1.controller.js';
import { UserId } from '../login/login.guard.js';
import { deadLetterQuery, jobQuery } from './job-query.js';

const UNAUTHENTICATED = { 401: 'Authentication information is missing or invalid' };
const NOT_FOUND = { 404: 'Job not found' };
const INVALID_QUERY = { 400: 'Invalid query parameter' };
const NEXT_PAGE = { Link: 'The next page, rel="next"' };

const id = (name: string, description?: string) =>
  ApiQuery({ name, required: false, schema: { type: 'string', format: 'uuid' }, ...(description && { description }) });

const PageParameters = () =>
  applyDecorators(
    ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 } }),
    ApiQuery({ name: 'cursor', type: String, required: false, description: 'Where a former answer’s Link led' }),
  );

const JobQueryParameters = () =>
  applyDecorators(
    ApiQuery({ name: 'state', required: false, enum: JOB_STATES }),
    ApiQuery({ name: 'kind', required: false, enum: JOB_KINDS }),
    ApiQuery({ name: 'action', required: false, enum: JOB_ACTIONS }),
    id('imageId'),
    id('deploymentId'),
    id('environmentId'),
    id('userid', 'Of another user, for administrators alone'),
    ApiQuery({
      name: 'deadLettered',
      required: false,
      enum: ['true', 'false'],
      description: 'Whether the broker gave up on a message of it',
    }),
    PageParameters(),
  );

@V1Controller('jobs')
export class JobsController {
  constructor(private readonly calls: CallClient) {}

  @Get('jobs')
  @JobQueryParameters()
  @Operation('findJobs', {
    summary: 'List jobs, newest first',
    description: 'The user’s own; for an administrator those of all users, and those that the service does for itself.',
    answers: [Job],
    headers: { ...NEXT_PAGE, 'X-Total-Count': 'How many there are in all: exact to 10,000, which also stands for more' },
    problems: { ...INVALID_QUERY, ...UNAUTHENTICATED, 403: 'Those of another user, and no administrator asks' },
  })
  async findJobs(
    @UserId() userId: string,
    @Req() request: GatewayRequest,
    @Res({ passthrough: true }) reply: GatewayReply,
  ): Promise<Job[]> {
    const { jobs, next, total } = await this.calls.ask(JobCalls.findJobs, { userId, query: jobQuery(request.query) });
    reply.header('link', pageLinks(request.url, 'cursor', next)).header('x-total-count', String(total));
    return jobs;
  }

  @Get('job/:jobId')
  @Operation('getJob', {
    summary: 'Get a job',
    description: 'One’s own; for an administrator any.',
    answers: Job,
    problems: { ...UNAUTHENTICATED, ...NOT_FOUND },
  })
  getJob(@UserId() userId: string, @JobId() jobId: string): Promise<Job> {
    return this.calls.ask(JobCalls.getJob, { userId, jobId });
  }

  @Post('job/:jobId/retry')
  @Operation('retryJob', {
    summary: 'Run a failed job again',
    description:
      'One’s own; for an administrator any. The same job waits again, at once and with all its tries, and its image or deployment with it.',
    status: 202,
    answers: Job,
    headers: { Location: 'The job' },
    problems: {
      ...UNAUTHENTICATED,
      ...NOT_FOUND,
      409: 'It has not failed, or what it needs is gone or changed: the problem says what to do instead',
    },
  })
  async retryJob(
    @UserId() userId: string,
    @JobId() jobId: string,
    @Res({ passthrough: true }) reply: GatewayReply,
  ): Promise<Job> {
    const job = await this.calls.ask(JobCalls.retryJob, { userId, jobId });
    reply.header('location', `/v1/job/${job.id}`);
    return job;
  }

  @Get('deadletters')
  @ApiQuery({ name: 'queue', required: false, enum: JOB_QUEUES })
  @id('jobId')
  @PageParameters()
  @Operation('findDeadLetters', {
    summary: 'List the messages that the broker gave up on, newest first',
    description: 'Of the user’s own jobs; for an administrator all, also what stands for no job. Kept for 30 days.',
    answers: [DeadLetter],
    headers: NEXT_PAGE,
    problems: { ...INVALID_QUERY, ...UNAUTHENTICATED },
  })
  async findDeadLetters(
    @UserId() userId: string,
    @Req() request: GatewayRequest,
    @Res({ passthrough: true }) reply: GatewayReply,
  ): Promise<DeadLetter[]> {
    const query = deadLetterQuery(request.query);
    const { deadLetters, next } = await this.calls.ask(JobCalls.findDeadLetters, { userId, query });
    reply.header('link', pageLinks(request.url, 'cursor', next));
    return deadLetters;
  }
}
