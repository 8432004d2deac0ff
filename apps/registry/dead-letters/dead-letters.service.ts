import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { storableText } from '#libs/contracts';
import { type DeadMessage } from '#libs/messaging';
import { beginWork, Metrics, type Logger } from '#libs/observability';
import { Database, JobEntity, type Transaction } from '../database/index.js';
import { EndingsService } from '../jobs/endings.service.js';
import { JobOutbox } from '../jobs/job-outbox.js';
import { afterDeadLetter, couldBeJob } from '../jobs/job.rules.js';
import { LOGGER } from '../tokens.js';

const KEPT = '30 days';

/** Keeps what the broker gave up on, so that people see it, and sets right the jobs that it stood for. */
@Injectable()
export class DeadLettersService {
  constructor(
    private readonly database: Database,
    private readonly endings: EndingsService,
    private readonly outbox: JobOutbox,
    private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * A job that still waits for the attempt which the message was to begin has failed once more, and is published anew after a while, or has
   * failed for good. The same letter twice is one letter.
   */
  heard(letter: DeadMessage): Promise<void> {
    return beginWork({ ...letter.message }, () => this.setRight(storable(letter)));
  }

  private async setRight(letter: DeadMessage): Promise<void> {
    const { queue, message, reason } = letter;
    this.logger.warn({ queue, reason }, 'the broker dead-lettered a message');
    const isNew = await this.database.transaction(async (tx) => {
      const job = message && couldBeJob(message) ? await lockedJob(tx, message.jobId) : null;
      if (!(await keep(tx, letter, job))) return false;
      if (!job || !message) return true;
      await note(tx, job, reason);
      if (job.state === 'queued' && job.attempt === message.attempt - 1)
        await this.endings.apply(tx, job, afterDeadLetter(job, reason, Math.random()), null);
      else this.outbox.changed(tx, job);
      return true;
    });
    if (isNew) this.metrics.queues.deadLetterRead(queue);
  }

  async prune(): Promise<void> {
    await this.database.query(`DELETE FROM dead_letters WHERE at < now() - interval '${KEPT}'`);
  }
}

const MOST_DEATHS = 2 ** 31 - 1;

/** As far as it can be kept: whoever can reach the queue writes into all of it, and a letter that cannot be kept would come again for ever. */
const storable = (letter: DeadMessage): DeadMessage => ({
  ...letter,
  body: storableText(letter.body),
  reason: letter.reason && storableText(letter.reason),
  count: letter.count === null || letter.count < 0 ? null : Math.min(letter.count, MOST_DEATHS),
  messageId: letter.messageId && storableText(letter.messageId),
});

const lockedJob = (tx: Transaction, id: string): Promise<JobEntity | null> =>
  tx.manager.findOne(JobEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });

/** Answers whether it was new. What stands for a job that is known needs no body. */
async function keep({ manager }: Transaction, letter: DeadMessage, job: JobEntity | null): Promise<boolean> {
  const { queue, message, body, reason, count, messageId } = letter;
  const jobId = message && isUUID(message.jobId) ? message.jobId.toLowerCase() : null;
  const attempt = message && couldBeJob(message) ? message.attempt : null;
  const rows = (await manager.query(
    `INSERT INTO dead_letters (id, queue, job_id, attempt, body, reason, count, message_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT DO NOTHING RETURNING id`,
    [randomUUID(), queue, jobId, attempt, job ? null : body, reason, count, messageId],
  )) as unknown[];
  return rows.length > 0;
}

async function note({ manager }: Transaction, job: JobEntity, reason: string | null): Promise<void> {
  const [row] = (await manager.query(
    `WITH noted AS (
       UPDATE jobs SET dead_letters = dead_letters + 1, dead_lettered_at = now(), dead_letter_reason = $2 WHERE id = $1
       RETURNING dead_letters, dead_lettered_at)
     SELECT * FROM noted`,
    [job.id, reason],
  )) as [{ dead_letters: number; dead_lettered_at: Date }];
  Object.assign(job, { deadLetters: row.dead_letters, deadLetteredAt: row.dead_lettered_at, deadLetterReason: reason });
}
