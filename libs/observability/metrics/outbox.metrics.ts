import { Counter, Gauge, type Registry } from 'prom-client';
import { JOB_QUEUES, type JobQueue } from '#libs/contracts';
import { replaceValues } from './replace-values.js';

export interface OutboxNow {
  /** Jobs that are due and that no message stands for. */
  unpublished: number;
  /** Seconds since the oldest of them was due; 0: there is none. */
  lag: number;
}

/** Between a job's row and its message. */
export class OutboxMetrics {
  private readonly published: Counter;
  private readonly failures: Counter;
  private readonly unpublished: Gauge;
  private readonly lag: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ['queue'], registers });
    this.published = counter('vice_outbox_published_total', 'Messages of jobs that the broker confirmed');
    this.failures = counter('vice_outbox_publish_failures_total', 'Messages of jobs that the broker did not take');
    this.unpublished = new Gauge({
      name: 'vice_outbox_unpublished',
      help: 'Jobs that are due and not published',
      registers,
    });
    this.lag = new Gauge({
      name: 'vice_outbox_lag_seconds',
      help: 'Since when the oldest job that is due and not published has been due',
      registers,
    });
    for (const queue of JOB_QUEUES) for (const one of [this.published, this.failures]) one.inc({ queue }, 0);
  }

  publishedTo(queue: JobQueue): void {
    this.published.inc({ queue });
  }

  failedToPublishTo(queue: JobQueue): void {
    this.failures.inc({ queue });
  }

  /** undefined: nobody knows. */
  show(now: OutboxNow | undefined): void {
    replaceValues(this.unpublished, now && [[{}, now.unpublished]]);
    replaceValues(this.lag, now && [[{}, now.lag]]);
  }
}
