import { Injectable } from '@nestjs/common';
import { Jobs, type ConvertedBlob, type Json } from '#libs/contracts';
import { derivedVariant } from '../conversions/variants.js';
import { type JobEntity, type Transaction } from '../database/index.js';
import { convertDetails, originalIn } from './convert-details.js';
import { EndingsService } from './endings.service.js';
import { recall } from './inspection-memory.js';
import { type JobFault } from './job.rules.js';

/** Work that gives the same whenever it is done. */
interface Repeatable {
  /** The same for jobs that do the same work. */
  key(job: JobEntity): string;
  /** SQL: whether `other` does the same work as `jobs`. */
  same: string;
  /** What came of it before. */
  recall(tx: Transaction, job: JobEntity): Promise<{ result: Json } | { error: JobFault } | null>;
}

const REPEATABLE: Readonly<Record<string, Repeatable>> = {
  [Jobs.inspectBlob.action]: {
    key: ({ digest }) => digest ?? '',
    same: `other.action = 'inspect' AND other.digest = jobs.digest`,
    recall: knownInspection,
  },
  [Jobs.convertBlob.action]: {
    key: (job) => `${convertDetails(job).original} ${convertDetails(job).chain}`,
    same: `other.action = 'convert' AND other.details->>'original' = jobs.details->>'original' AND other.details->>'chain' = jobs.details->>'chain'`,
    recall: knownConversion,
  },
};

/** Spares workers what was done before, or is being done: the inspection of the same bytes, the same conversion of them. */
@Injectable()
export class KnownResults {
  constructor(private readonly endings: EndingsService) {}

  /** Puts a job that waits to be claimed behind another that is at the same work; answers whether it did. */
  async waits(tx: Transaction, job: JobEntity): Promise<boolean> {
    const work = REPEATABLE[job.action];
    if (!work) return false;
    await tx.manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [work.key(job)]);
    const [, moved] = (await tx.manager.query(
      `UPDATE jobs SET due_at = now() + interval '1 second', publish_at = now() + interval '1 second', published = false
       WHERE id = $1 AND state = 'queued' AND EXISTS (SELECT 1 FROM jobs other WHERE ${work.same} AND other.state = 'running')`,
      [job.id],
    )) as [unknown, number];
    return moved > 0;
  }

  /** Ends a claimed job whose result is known; answers whether it did. */
  async ends(tx: Transaction, job: JobEntity): Promise<boolean> {
    const known = (await REPEATABLE[job.action]?.recall(tx, job)) ?? null;
    if (!known) return false;
    job.bytesDone = job.bytesTotal ?? 0;
    if ('result' in known)
      await this.endings.apply(tx, job, { state: 'succeeded', failures: job.failures, error: null }, known.result);
    else await this.endings.apply(tx, job, { state: 'failed', failures: job.failures + 1, error: known.error }, null);
    return true;
  }
}

async function knownInspection(tx: Transaction, job: JobEntity): Promise<{ result: Json } | { error: JobFault } | null> {
  const verdict = await recall(tx, job);
  if (!verdict) return null;
  if (!verdict.content_type) return { error: { code: verdict.error_code ?? '', message: verdict.error_message ?? '' } };
  const { content_type: contentType, facts, content_digest: contentDigest } = verdict;
  return { result: { contentType, facts, contentDigest } };
}

async function knownConversion(tx: Transaction, job: JobEntity): Promise<{ result: Json } | null> {
  const details = convertDetails(job);
  const variant = await derivedVariant(tx, originalIn(details), details.chain);
  if (!variant) return null;
  const { digest, size, contentType, contentDigest } = variant;
  const result: ConvertedBlob = {
    ...{ digest, size, contentType, contentDigest },
    facts: variant.facts ?? {},
    tool: variant.tool ?? '',
    arguments: variant.arguments ?? [],
  };
  return { result: result as unknown as Json };
}
