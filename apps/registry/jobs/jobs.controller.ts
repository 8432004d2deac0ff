import { Controller } from '@nestjs/common';
import { JobCalls, type Empty, type RequestOf } from '#libs/contracts';
import { CallHandler } from '#libs/messaging';
import { ClaimsService } from './claims.service.js';
import { HeartbeatsService } from './heartbeats.service.js';
import { ReportsService } from './reports.service.js';

/** Answers workers. */
@Controller()
export class JobsController {
  constructor(
    private readonly claims: ClaimsService,
    private readonly heartbeats: HeartbeatsService,
    private readonly reports: ReportsService,
  ) {}

  @CallHandler(JobCalls.claimJob)
  claimJob(request: RequestOf<typeof JobCalls.claimJob>) {
    return this.claims.claim(request);
  }

  @CallHandler(JobCalls.heartbeat)
  heartbeat(request: RequestOf<typeof JobCalls.heartbeat>) {
    return this.heartbeats.heard(request);
  }

  @CallHandler(JobCalls.reportJob)
  async reportJob(request: RequestOf<typeof JobCalls.reportJob>): Promise<Empty> {
    await this.reports.report(request);
    return {};
  }

  @CallHandler(JobCalls.noteReference)
  async noteReference(request: RequestOf<typeof JobCalls.noteReference>): Promise<Empty> {
    await this.heartbeats.noteReference(request);
    return {};
  }
}
