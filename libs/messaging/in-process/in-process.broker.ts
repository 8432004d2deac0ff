import { JOB_QUEUES, type Broadcast, type JobMessage, type JobQueue, type ServiceName } from '#libs/contracts';
import { outsideWork, type Logger } from '#libs/observability';
import { Backoff } from '../backoff.js';
import {
  CALLS_AT_ONCE,
  type Broker,
  type CallListener,
  type DeadMessage,
  type JobDelivery,
  type QueueDepth,
  type Subscription,
} from '../broker.js';
import { encode } from '../calls/call-exchange.js';
import { unavailable } from '../unavailable.js';
import { InProcessCalls } from './in-process-calls.js';
import { bodyShown, jobMessageIn } from '../jobs/job-message.js';
import { InProcessQueue, type Letter } from './in-process-queue.js';

interface QueuePair {
  jobs: InProcessQueue;
  dead: InProcessQueue;
}

/** The broker for services that share one process. */
export class InProcessBroker implements Broker {
  private readonly calls = new InProcessCalls();
  private readonly queues = new Map<JobQueue, QueuePair>(JOB_QUEUES.map((queue) => [queue, queuePair()]));
  private readonly listeners = new Set<(message: Broadcast) => void>();
  private readonly closed = new AbortController();

  constructor(private readonly log: Logger) {}

  async request(service: ServiceName, name: string, body: unknown, { deadlineMs }: { deadlineMs: number }): Promise<unknown> {
    this.assertOpen();
    return this.calls.request(service, name, body, deadlineMs);
  }

  async serve(service: ServiceName, handle: CallListener, options: { concurrency?: number } = {}): Promise<Subscription> {
    return this.calls.serve(service, handle, options.concurrency ?? CALLS_AT_ONCE);
  }

  async publishJob(queue: JobQueue, message: JobMessage): Promise<void> {
    this.assertOpen();
    this.pair(queue).jobs.put(encode(message));
  }

  async consumeJobs(queue: JobQueue, prefetch: number, deliver: (delivery: JobDelivery) => void): Promise<Subscription> {
    return this.pair(queue).jobs.consume(prefetch, ({ letter, ack, release, refuse }) => {
      const message = jobMessageIn(letter.text);
      if (message) deliver({ message, redelivered: letter.redeliveries > 0, ack, release, refuse });
      else refuse();
    });
  }

  async consumeDeadLetters(queue: JobQueue, handle: (letter: DeadMessage) => Promise<void>): Promise<Subscription> {
    const backoff = new Backoff(1_000, 60_000);
    return this.pair(queue).dead.consume(1, ({ letter, ack, release }) => {
      handle(deadMessage(queue, letter)).then(
        () => {
          backoff.reset();
          ack();
        },
        async (error: unknown) => {
          this.log.warn({ queue, err: error }, 'a dead letter could not be handled yet');
          await backoff.pause(this.closed.signal);
          release();
        },
      );
    });
  }

  async depths(): Promise<Record<JobQueue, QueueDepth>> {
    return Object.fromEntries(JOB_QUEUES.map((queue) => [queue, this.pair(queue).jobs.depth])) as Record<JobQueue, QueueDepth>;
  }

  async deadLetters(): Promise<Record<JobQueue, number>> {
    return Object.fromEntries(JOB_QUEUES.map((queue) => [queue, this.pair(queue).dead.depth.ready])) as Record<JobQueue, number>;
  }

  async broadcast(message: Broadcast): Promise<void> {
    const text = encode(message);
    outsideWork(() => {
      for (const listener of this.listeners) setImmediate(() => this.tell(listener, text));
    });
  }

  async onBroadcast(handle: (message: Broadcast) => void): Promise<Subscription> {
    const listener = (message: Broadcast) => handle(message);
    this.listeners.add(listener);
    return { close: async () => void this.listeners.delete(listener) };
  }

  async check(): Promise<void> {
    this.assertOpen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed.abort();
    this.calls.close();
    this.listeners.clear();
    for (const { jobs, dead } of this.queues.values()) {
      jobs.clear();
      dead.clear();
    }
  }

  private assertOpen(): void {
    if (this.closed.signal.aborted) throw unavailable('the broker in this process is closed');
  }

  private pair(queue: JobQueue): QueuePair {
    return this.queues.get(queue) as QueuePair;
  }

  private tell(listener: (message: Broadcast) => void, text: string): void {
    if (!this.listeners.has(listener)) return;
    try {
      listener(JSON.parse(text) as Broadcast);
    } catch (error) {
      this.log.error({ err: error }, 'an event could not be handled');
    }
  }
}

function queuePair(): QueuePair {
  const dead = new InProcessQueue();
  return { dead, jobs: new InProcessQueue((letter) => dead.add(letter)) };
}

function deadMessage(queue: JobQueue, { id, text, death }: Letter): DeadMessage {
  const message = jobMessageIn(text);
  const body = bodyShown(Buffer.from(text));
  return { queue, message, body, reason: death?.reason ?? null, count: death?.count ?? null, messageId: message && id };
}
