import { randomUUID } from 'node:crypto';
import { type Channel, type ConfirmChannel } from 'amqplib';
import { JOB_QUEUES, type JobMessage, type JobQueue } from '#libs/contracts';
import { type Logger } from '#libs/observability';
import { type JobDelivery } from '../broker.js';
import { encode } from '../calls/call-exchange.js';
import { jobMessageIn } from '../jobs/job-message.js';
import { deadLetterQueue, jobQueue } from '../topology.js';
import { unavailable } from '../unavailable.js';
import { Consumer } from './consumer.js';
import { assertUsable, type RabbitConnection } from './rabbit-connection.js';
import { StandingChannel } from './standing-channel.js';

const CONFIRM_MS = 5_000;

/** Declares a job queue and the one that its dead letters go to. */
export async function declareJobQueue(channel: Channel, prefix: string, queue: JobQueue): Promise<string> {
  for (const { name, options } of [deadLetterQueue(prefix, queue), jobQueue(prefix, queue)])
    await channel.assertQueue(name, options);
  return jobQueue(prefix, queue).name;
}

/** Puts jobs into their queues; many can wait for their confirm at once. */
export class JobPublisher {
  private readonly standing: StandingChannel<ConfirmChannel>;
  /** Ids of messages that came back. The broker returns a message before it confirms it. */
  private readonly returned = new Set<string>();

  constructor(
    private readonly connection: RabbitConnection,
    private readonly prefix: string,
    log: Logger,
  ) {
    this.standing = new StandingChannel<ConfirmChannel>(
      connection,
      {
        purpose: 'publishing jobs',
        open: (model) => model.createConfirmChannel(),
        setUp: async (channel) => {
          const declare = async () => {
            for (const queue of JOB_QUEUES) await declareJobQueue(channel, prefix, queue);
          };
          channel.on('return', ({ properties }) => {
            this.returned.add(String(properties.messageId));
            void declare().catch(() => undefined); // somebody deleted a queue: the next try finds it
          });
          await declare();
        },
        lost: () => this.returned.clear(),
      },
      log,
    );
  }

  get ready(): Promise<void> {
    return this.standing.ready;
  }

  async publish(queue: JobQueue, message: JobMessage): Promise<void> {
    assertUsable(this.connection);
    const channel = this.standing.usable;
    const { name } = jobQueue(this.prefix, queue);
    const messageId = randomUUID();
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(unavailable(`RabbitMQ did not confirm a job for ${name} within ${CONFIRM_MS} ms`)),
        CONFIRM_MS,
      );
      const confirmed = (error: unknown) => {
        clearTimeout(late);
        if (this.returned.delete(messageId)) reject(unavailable(`RabbitMQ returned a job: there is no queue ${name}`));
        else if (error) reject(unavailable(`RabbitMQ did not take a job for ${name}`, error));
        else resolve();
      };
      try {
        const options = { persistent: true, mandatory: true, messageId, contentType: 'application/json' };
        channel.publish('', name, Buffer.from(encode(message)), options, confirmed);
      } catch (error) {
        confirmed(error);
      }
    });
  }
}

/** Takes jobs out of a queue. A message that is none of ours becomes a dead letter, which the registry keeps for people to look at. */
export function consumeJobs(
  connection: RabbitConnection,
  prefix: string,
  queue: JobQueue,
  prefetch: number,
  deliver: (delivery: JobDelivery) => void,
  log: Logger,
): Consumer {
  return new Consumer(
    connection,
    {
      purpose: `taking ${queue} jobs`,
      declare: (channel) => declareJobQueue(channel, prefix, queue),
      prefetch,
      take: (inHand) => {
        const { ack, release, refuse } = inHand;
        const message = jobMessageIn(inHand.message.content.toString());
        if (message) return deliver({ message, redelivered: inHand.message.fields.redelivered, ack, release, refuse });
        log.error({ queue: inHand.message.fields.routingKey }, 'a message in a job queue is no job; it is a dead letter now');
        refuse();
      },
    },
    log,
  );
}
