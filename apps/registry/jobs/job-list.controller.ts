import { Controller } from '@nestjs/common';
import { JobCalls, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { AdministratorsService } from '../administrators/administrators.service.js';
import { DeadLetterList } from '../dead-letters/dead-letter-list.service.js';
import { type JobViewer } from './job-access.js';
import { JobListService } from './job-list.service.js';
import { RunAgainService } from './run-again.service.js';

/** Answers those who want to know of jobs, and to have failed ones run again. */
@Controller()
export class JobListController {
  constructor(
    private readonly administrators: AdministratorsService,
    private readonly jobs: JobListService,
    private readonly runs: RunAgainService,
    private readonly deadLetters: DeadLetterList,
  ) {}

  @CallHandler(JobCalls.findJobs)
  async findJobs({ userId, query }: RequestOf<typeof JobCalls.findJobs>) {
    return this.jobs.find(await this.viewer(userId), query);
  }

  @CallHandler(JobCalls.getJob)
  async getJob({ userId, jobId }: RequestOf<typeof JobCalls.getJob>) {
    return this.jobs.get(await this.viewer(userId), jobId);
  }

  @CallHandler(JobCalls.retryJob)
  async retryJob({ userId, jobId }: RequestOf<typeof JobCalls.retryJob>) {
    return this.runs.run(await this.viewer(userId), jobId);
  }

  @CallHandler(JobCalls.findDeadLetters)
  async findDeadLetters({ userId, query }: RequestOf<typeof JobCalls.findDeadLetters>) {
    return this.deadLetters.find(await this.viewer(userId), query);
  }

  private async viewer(userId: string): Promise<JobViewer> {
    return { userId, administrator: await this.administrators.is(userId) };
  }
}
