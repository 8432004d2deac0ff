import { Injectable } from '@nestjs/common';
import { storableJson, storableText, type JobReport } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Database, JobEntity } from '../database/index.js';
import { EndingsService } from './endings.service.js';
import { afterLapse, afterReport } from './job.rules.js';

const LAPSED_AT_ONCE = 100;

/** Hears how attempts ended: by the worker's report, or because its lease lapsed. */
@Injectable()
export class ReportsService {
  constructor(
    private readonly database: Database,
    private readonly endings: EndingsService,
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
      job.leftTemporaries = report.leftTemporaries ?? false;
      await this.endings.apply(
        tx,
        job,
        afterReport(job, outcome, Math.random()),
        outcome.kind === 'succeeded' ? storableJson(outcome.result) : null,
      );
    });
  }

  /** Ends the attempts whose lease is over; answers how many there were. */
  async endLapsed(): Promise<number> {
    return this.database.transaction(async (tx) => {
      const lapsed = await tx.manager
        .createQueryBuilder(JobEntity, 'job')
        .where(`job.state = 'running' AND job.leaseUntil < now()`)
        .setLock('pessimistic_write')
        .setOnLocked('skip_locked')
        .limit(LAPSED_AT_ONCE)
        .getMany();
      for (const job of lapsed) {
        job.leftTemporaries = job.action === 'import';
        await this.endings.apply(tx, job, afterLapse(job, Math.random()), null);
      }
      return lapsed.length;
    });
  }

  /** Where jobs live in one process, none can be running when it starts: what was goes on at once. */
  async resumeAll(): Promise<void> {
    await this.database.query(`UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'`);
    while ((await this.endLapsed()) > 0);
    await this.database.query(
      `UPDATE jobs SET due_at = now(), publish_at = now(), published = false WHERE state = 'queued' AND (published OR error_code = 'LEASE_LOST')`,
    );
  }
}

const fenced = (jobId: string, attempt: number) =>
  new ViceError('JOB_FENCED', `attempt ${attempt} of job ${jobId} has ended; its report comes too late`);
