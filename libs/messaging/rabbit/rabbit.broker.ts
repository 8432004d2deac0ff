import { type Channel, type Replies } from 'amqplib';
import { JOB_QUEUES, type Broadcast, type JobMessage, type JobQueue, type ServiceName } from '#libs/contracts';
import { type Logger } from '#libs/observability';
import {
  CALLS_AT_ONCE,
  type Broker,
  type CallListener,
  type JobDelivery,
  type QueueDepth,
  type Subscription,
} from '../broker.js';
import { deadLetterQueue, jobQueue } from '../topology.js';
import { unavailable, withinMs } from '../unavailable.js';
import { RabbitCaller, serveCalls } from './rabbit-calls.js';
import { assertUsable, RabbitConnection } from './rabbit-connection.js';
import { Broadcaster, listen } from './rabbit-events.js';
import { consumeDeadLetters, consumeJobs, declareJobQueue, JobPublisher } from './rabbit-jobs.js';
import { StandingChannel } from './standing-channel.js';

const DEPTHS_MS = 5_000;

/** The broker over RabbitMQ, 3.10 or newer: one connection, a channel for each purpose and each consumer. */
export class RabbitBroker implements Broker {
  private readonly caller: RabbitCaller;
  private readonly publisher: JobPublisher;
  private readonly broadcaster: Broadcaster;
  private readonly counting: StandingChannel<Channel>;

  private constructor(
    private readonly connection: RabbitConnection,
    private readonly prefix: string,
    private readonly log: Logger,
  ) {
    this.caller = new RabbitCaller(connection, prefix, log);
    this.publisher = new JobPublisher(connection, prefix, log);
    this.broadcaster = new Broadcaster(connection, prefix, log);
    this.counting = new StandingChannel<Channel>(
      connection,
      {
        purpose: 'counting jobs',
        open: (model) => model.createChannel(),
        setUp: async (channel) => {
          for (const queue of JOB_QUEUES) await declareJobQueue(channel, prefix, queue);
        },
      },
      log,
    );
  }

  /** Raises UNAVAILABLE with the reason when RabbitMQ is not ready within `waitMs`. */
  static async connect(url: string, prefix: string, waitMs: number, log: Logger): Promise<RabbitBroker> {
    const connection = new RabbitConnection(url, log);
    const broker = new RabbitBroker(connection, prefix, log);
    const { caller, publisher, broadcaster, counting } = broker;
    const ready = Promise.all([caller.ready, publisher.ready, broadcaster.ready, counting.ready]);
    try {
      await withinMs(ready, waitMs, `waiting for RabbitMQ at ${connection.place}`);
    } catch (error) {
      const trouble = connection.trouble();
      await broker[Symbol.asyncDispose]();
      throw trouble === null ? error : unavailable(trouble, error);
    }
    return broker;
  }

  request(service: ServiceName, name: string, body: unknown, { deadlineMs }: { deadlineMs: number }): Promise<unknown> {
    return this.caller.request(service, name, body, deadlineMs);
  }

  serve(service: ServiceName, handle: CallListener, options: { concurrency?: number } = {}): Promise<Subscription> {
    const concurrency = options.concurrency ?? CALLS_AT_ONCE;
    return serveCalls(this.connection, this.prefix, service, handle, concurrency, this.log).started();
  }

  publishJob(queue: JobQueue, message: JobMessage): Promise<void> {
    return this.publisher.publish(queue, message);
  }

  consumeJobs(queue: JobQueue, prefetch: number, deliver: (delivery: JobDelivery) => void): Promise<Subscription> {
    return consumeJobs(this.connection, this.prefix, queue, prefetch, deliver, this.log).started();
  }

  consumeDeadLetters(queue: JobQueue, handle: (message: JobMessage) => Promise<void>): Promise<Subscription> {
    return consumeDeadLetters(this.connection, this.prefix, queue, handle, this.log).started();
  }

  depths(): Promise<Record<JobQueue, QueueDepth>> {
    return this.counted(
      (queue) => jobQueue(this.prefix, queue).name,
      ({ messageCount, consumerCount }) => ({ ready: messageCount, consumers: consumerCount }),
    );
  }

  deadLetters(): Promise<Record<JobQueue, number>> {
    return this.counted(
      (queue) => deadLetterQueue(this.prefix, queue).name,
      ({ messageCount }) => messageCount,
    );
  }

  async broadcast(message: Broadcast): Promise<void> {
    this.broadcaster.tell(message);
  }

  onBroadcast(handle: (message: Broadcast) => void): Promise<Subscription> {
    return listen(this.connection, this.prefix, handle, this.log).started();
  }

  async check(): Promise<void> {
    assertUsable(this.connection);
  }

  /** What is unsettled goes back to the queues; calls that wait are refused. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.connection.close();
  }

  private async counted<T>(nameOf: (queue: JobQueue) => string, of: (queue: Replies.AssertQueue) => T) {
    assertUsable(this.connection);
    const channel = this.counting.usable;
    const count = async (queue: JobQueue) => [queue, of(await channel.checkQueue(nameOf(queue)))] as const;
    const counts = Promise.all(JOB_QUEUES.map(count)).catch((error: unknown) => {
      throw unavailable('the jobs cannot be counted at the moment', error);
    });
    return Object.fromEntries(await withinMs(counts, DEPTHS_MS, 'counting jobs')) as Record<JobQueue, T>;
  }
}
