import { Injectable } from '@nestjs/common';
import { Jobs } from '#libs/contracts';
import { type JobEntity, type Transaction } from '../database/index.js';
import { EndingsService } from './endings.service.js';
import { recall } from './inspection-memory.js';

/** Spares workers the inspection of bytes that were inspected before, or are being inspected. */
@Injectable()
export class KnownInspections {
  constructor(private readonly endings: EndingsService) {}

  /** Puts a job that waits to be claimed behind another that is inspecting the same blob; answers whether it did. */
  async waits(tx: Transaction, { id, action, digest }: JobEntity): Promise<boolean> {
    if (action !== Jobs.inspectBlob.action) return false;
    await tx.manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [digest]);
    const [, moved] = (await tx.manager.query(
      `UPDATE jobs SET due_at = now() + interval '1 second', publish_at = now() + interval '1 second', published = false
       WHERE id = $1 AND state = 'queued'
         AND EXISTS (SELECT 1 FROM jobs other WHERE other.digest = jobs.digest AND other.action = jobs.action AND other.state = 'running')`,
      [id],
    )) as [unknown, number];
    return moved > 0;
  }

  /** Ends a claimed job whose answer is known; answers whether it did. */
  async ends(tx: Transaction, job: JobEntity): Promise<boolean> {
    const verdict = job.action === Jobs.inspectBlob.action ? await recall(tx, job) : undefined;
    if (!verdict) return false;
    job.bytesDone = job.bytesTotal ?? 0;
    if (verdict.content_type) {
      const result = { contentType: verdict.content_type, facts: verdict.facts };
      await this.endings.apply(tx, job, { state: 'succeeded', failures: job.failures, error: null }, result);
    } else {
      const error = { code: verdict.error_code ?? '', message: verdict.error_message ?? '' };
      await this.endings.apply(tx, job, { state: 'failed', failures: job.failures + 1, error }, null);
    }
    return true;
  }
}
