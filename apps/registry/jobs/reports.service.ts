import { Inject, Injectable } from '@nestjs/common';
import { Jobs, storableJson, storableText, type JobOutcome, type JobReport } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type Logger } from '#libs/observability';
import { conversionOf } from '../conversions/conversion-plan.js';
import { ToolsetsService } from '../conversions/toolsets.service.js';
import { Database, JobEntity, type Transaction } from '../database/index.js';
import { LOGGER } from '../tokens.js';
import { convertDetails } from './convert-details.js';
import { EndingsService } from './endings.service.js';
import { afterLapse, afterReport, afterToolsMissing, leavesTemporaries, type NextState } from './job.rules.js';

/** Hears how attempts ended: by the worker's report, or because its lease lapsed. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly database: Database,
    private readonly endings: EndingsService,
    private readonly toolsets: ToolsetsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Raises JOB_FENCED where another attempt has the job, or may have it. The same report twice is one report. */
  async report(report: JobReport): Promise<void> {
    const { jobId, attempt, outcome } = report;
    await this.database.transaction(async (tx) => {
      const job = await tx.manager.findOne(JobEntity, { where: { id: jobId }, lock: { mode: 'pessimistic_write' } });
      if (!job || job.attempt !== attempt) throw fenced(jobId, attempt);
      if (job.state !== 'running') {
        if (job.endedAt) return;
        throw fenced(jobId, attempt);
      }
      job.bytesDone = report.progress.bytesDone;
      job.bytesTotal = report.progress.bytesTotal ?? job.bytesTotal;
      job.bytesPerSecond = Math.round(report.progress.bytesPerSecond);
      job.log = report.log === undefined ? job.log : storableText(report.log);
      job.leftTemporaries = leavesTemporaries(job.leftTemporaries, report);
      await this.endings.apply(
        tx,
        job,
        (await this.handedOn(tx, job, outcome)) ?? afterReport(job, outcome, Math.random()),
        outcome.kind === 'succeeded' ? storableJson(outcome.result) : null,
        { bytes: report.progress.bytesDone - (report.progress.bytesCarried ?? 0) },
      );
    });
  }

  /** null unless this is a conversion that its worker has no tools for, and another has. */
  private async handedOn(tx: Transaction, job: JobEntity, outcome: JobOutcome): Promise<NextState | null> {
    if (job.action !== Jobs.convertBlob.action || outcome.kind !== 'failed' || outcome.code !== 'TOOLS_MISSING') return null;
    const toolset = conversionOf(convertDetails(job).recipe)?.toolset;
    if (!toolset) return null;
    const { code, message } = outcome;
    const tools = await this.toolsets.beyond(tx, job.worker, toolset);
    return tools.elsewhere ? afterToolsMissing(job, { code, message }, tools, Math.random()) : null;
  }

  /** Ends the attempts whose lease is over, each by itself: one that cannot be ended keeps no other. Answers how many have ended. */
  async endLapsed(): Promise<number> {
    const lapsed = await this.database.query<{ id: string }>(
      `SELECT id FROM jobs WHERE state = 'running' AND lease_until < now() ORDER BY lease_until`,
    );
    let ended = 0;
    for (const { id } of lapsed) {
      try {
        if (await this.endIfLapsed(id)) ended += 1;
      } catch (error) {
        this.logger.error({ jobId: id, err: error }, 'an attempt whose lease is over cannot be ended; it is tried again');
      }
    }
    return ended;
  }

  /** False where somebody else ends it, or has. */
  private async endIfLapsed(id: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const job = await tx.manager
        .createQueryBuilder(JobEntity, 'job')
        .where(`job.id = :id AND job.state = 'running' AND job.leaseUntil < now()`, { id })
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .getOne();
      if (!job) return false;
      job.leftTemporaries ||= job.action === Jobs.importImage.action;
      await this.endings.apply(tx, job, afterLapse(job, Math.random()), null, { lapsed: true, bytes: job.bytesDone });
      return true;
    });
  }

  /** Where jobs live in one process, none can be running when it starts: what was goes on at once. */
  async resumeAll(): Promise<void> {
    await this.database.query(`UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'`);
    await this.endLapsed();
    await this.database.query(
      `UPDATE jobs SET due_at = now(), publish_at = now(), published = false WHERE state = 'queued' AND (published OR error_code = 'LEASE_LOST')`,
    );
  }
}

const fenced = (jobId: string, attempt: number) =>
  new ViceError('JOB_FENCED', `attempt ${attempt} of job ${jobId} has ended; its report comes too late`);
