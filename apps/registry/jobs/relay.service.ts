import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { type JobQueue } from '#libs/contracts';
import { BROKER, jobSpan, type Broker } from '#libs/messaging';
import { Metrics, outsideWork, tracedFrom, type Logger } from '#libs/observability';
import { Database } from '../database/index.js';
import { LOGGER } from '../tokens.js';
import { JobOutbox } from './job-outbox.js';

const BATCH = 200;
const POLL_MS = 500;
/** Another relay may take over what this one has taken and not published by then. */
const CLAIM = '15 seconds';
const OVERDUE = '15 seconds';
const PAUSE_AFTER_FAILURE = '1 second';
/** How often a queue must look short, so that messages are taken for lost. */
const LOOKS = 8;
const BETWEEN_LOOKS_MS = 250;

interface Unpublished {
  id: string;
  queue: JobQueue;
  attempt: number;
  requestId: string | null;
  traceParent: string | null;
  /** The `publish_at` by which this relay has taken it. Whoever puts the job off meanwhile changes it, and is not to be overruled. */
  taken: string;
}

/**
 * Publishes the jobs that are due. A row is claimed shortly (several relays can run), published with no transaction open, and then
 * marked; what was published and is not claimed by a worker though its queue has run short of messages is published again.
 */
@Injectable()
export class RelayService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private running: Promise<void> | null = null;
  private again = false;
  private stopped = false;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly database: Database,
    private readonly outbox: JobOutbox,
    private readonly metrics: Metrics,
    @Inject(BROKER) private readonly broker: Broker,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.outbox.onAdded(() => this.wake());
    this.timer = setInterval(() => this.wake(), POLL_MS);
    this.wake();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  /** Publishes what is due, now; while that runs, once more after it. */
  wake(): void {
    this.again = true;
    // Whoever wakes it does not own what is published.
    if (!this.stopped) this.running ??= outsideWork(() => this.run()).finally(() => (this.running = null));
  }

  private async run(): Promise<void> {
    while (this.again && !this.stopped) {
      this.again = false;
      try {
        if (await this.publishDue()) this.again = true;
      } catch (error) {
        this.logger.warn({ err: error }, 'could not publish jobs; they are tried again');
      }
    }
  }

  /** Whether there may be more. */
  private async publishDue(): Promise<boolean> {
    const due = await this.take();
    if (due.length === 0) return false;
    const results = await Promise.allSettled(due.map((job) => this.publish(job)));
    const published = due.filter((_, index) => results[index]?.status === 'fulfilled');
    const failed = due.filter((_, index) => results[index]?.status === 'rejected');
    for (const { queue } of published) this.metrics.outbox.publishedTo(queue);
    for (const { queue } of failed) this.metrics.outbox.failedToPublishTo(queue);
    await this.mark(published, true, OVERDUE);
    await this.mark(failed, false, PAUSE_AFTER_FAILURE);
    if (failed.length > 0) this.logger.warn({ jobs: failed.length }, 'the broker did not take some jobs; they are tried again');
    return due.length === BATCH;
  }

  private publish({ id, queue, attempt, requestId, traceParent }: Unpublished): Promise<void> {
    const caused = { jobId: id, attempt: attempt + 1, ...(requestId !== null && { requestId }) };
    return tracedFrom(traceParent ?? undefined, ...jobSpan('producer', queue, caused), (span) => {
      const goesOn = span.traceParent || traceParent;
      return this.broker.publishJob(queue, { ...caused, ...(goesOn && { traceParent: goesOn }) });
    });
  }

  private take(): Promise<Unpublished[]> {
    return this.database.query<Unpublished>(
      `UPDATE jobs SET publish_at = now() + $1::interval
       WHERE id IN (SELECT id FROM jobs WHERE state = 'queued' AND NOT published AND publish_at <= now()
                    ORDER BY publish_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
       RETURNING id, queue, attempt, request_id AS "requestId", trace_parent AS "traceParent", publish_at::text AS taken`,
      [CLAIM],
    );
  }

  private async mark(jobs: Unpublished[], published: boolean, pause: string): Promise<void> {
    if (jobs.length === 0) return;
    await this.database.query(
      `UPDATE jobs SET published = $1, publish_at = now() + $2::interval
       FROM unnest($3::uuid[], $4::timestamptz[]) AS own (id, taken)
       WHERE jobs.id = own.id AND jobs.publish_at = own.taken AND state = 'queued' AND NOT published`,
      [published, pause, jobs.map(({ id }) => id), jobs.map(({ taken }) => taken)],
    );
  }

  /**
   * Finds published jobs that no message stands for any more, and has them published again. A message that a worker has and has not claimed yet is
   * in no queue either: so only what stays short for a while counts.
   */
  async republishLost(): Promise<void> {
    let short = await this.shortQueues();
    for (let look = 1; look < LOOKS && short.length > 0; look++) {
      await sleep(BETWEEN_LOOKS_MS);
      const still = await this.shortQueues();
      short = short.filter((queue) => still.includes(queue));
    }
    if (short.length === 0) return;
    await this.database.query(
      `UPDATE jobs SET published = false WHERE state = 'queued' AND published AND publish_at <= now() AND queue = ANY($1)`,
      [short],
    );
    this.wake();
  }

  /**
   * The queues that hold fewer messages than there are jobs that wait in them, some of them for long. The messages are counted before the jobs, and of
   * these only those that were published by then: what is claimed or published meanwhile does not make a queue look short.
   */
  private async shortQueues(): Promise<JobQueue[]> {
    const [overdue] = await this.database.query<{ began: string }>(
      `SELECT now()::text AS began FROM jobs WHERE state = 'queued' AND published AND publish_at <= now() LIMIT 1`,
    );
    if (!overdue) return [];
    const depths = await this.broker.depths();
    const waiting = await this.database.query<{ queue: JobQueue; jobs: number }>(
      `SELECT queue, count(*)::int AS jobs FROM jobs
        WHERE state = 'queued' AND published AND publish_at <= $1::timestamptz + $2::interval GROUP BY queue`,
      [overdue.began, OVERDUE],
    );
    return waiting.filter(({ queue, jobs }) => jobs > depths[queue].ready).map(({ queue }) => queue);
  }
}
