import { Counter, Gauge, type Registry } from 'prom-client';
import { JOB_KINDS, JOB_QUEUES, type JobKind, type JobQueue } from '#libs/contracts';
import { replaceValues } from './replace-values.js';

/** How the queues stand at this moment; undefined: nobody knows. */
export interface QueuesNow {
  ready: Readonly<Record<JobQueue, number>> | undefined;
  deadLetters: Readonly<Record<JobQueue, number>> | undefined;
  inHand: Readonly<Record<JobKind, number>> | undefined;
  pending: Readonly<Record<JobKind, number>> | undefined;
  workers: Readonly<Record<JobKind, number>> | undefined;
}

/** The queues as the broker counts them, and what runtimestats says of them. */
export class QueueMetrics {
  private readonly deadLettersRead: Counter;
  private readonly ready: Gauge;
  private readonly deadLetters: Gauge;
  private readonly inHand: Gauge;
  private readonly pending: Gauge;
  private readonly workers: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    const gauge = (name: string, help: string, label: 'queue' | 'kind') =>
      new Gauge({ name, help, labelNames: [label], registers });
    this.deadLettersRead = new Counter({
      name: 'vice_queue_dead_letters_total',
      help: 'Messages that the broker gave up on and the registry read',
      labelNames: ['queue'],
      registers,
    });
    this.ready = gauge('vice_queue_ready', 'Messages that nobody has taken yet', 'queue');
    this.deadLetters = gauge('vice_queue_dead_letters', 'Messages that the broker gave up on and nobody has read yet', 'queue');
    this.inHand = gauge('vice_queue_in_hand', 'Jobs that a worker has under a live lease', 'kind');
    this.pending = gauge('vice_queue_pending', 'Messages that nobody has taken yet and jobs in hand', 'kind');
    this.workers = gauge('vice_workers', 'Workers that take jobs of this kind', 'kind');
    for (const queue of JOB_QUEUES) this.deadLettersRead.inc({ queue }, 0);
  }

  deadLetterRead(queue: JobQueue): void {
    this.deadLettersRead.inc({ queue });
  }

  show({ ready, deadLetters, inHand, pending, workers }: QueuesNow): void {
    const byQueue = (values: Readonly<Record<JobQueue, number>> | undefined) =>
      values && JOB_QUEUES.map((queue) => [{ queue }, values[queue]] as const);
    const byKind = (values: Readonly<Record<JobKind, number>> | undefined) =>
      values && JOB_KINDS.map((kind) => [{ kind }, values[kind]] as const);
    replaceValues(this.ready, byQueue(ready));
    replaceValues(this.deadLetters, byQueue(deadLetters));
    replaceValues(this.inHand, byKind(inHand));
    replaceValues(this.pending, byKind(pending));
    replaceValues(this.workers, byKind(workers));
  }
}
