import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { createLogger } from '#libs/observability';
import { callQueue, deadLetterQueue, eventExchange, jobQueue } from '../topology.js';
import { createBroker } from '../create-broker.js';
import { type Broker } from '../broker.js';
import { JOB_QUEUES } from '#libs/contracts';

export const quiet = createLogger('test', 'silent');

/** Queues of a test's own on some RabbitMQ. */
export class RabbitPlace {
  readonly prefix = `test-${randomUUID().slice(0, 8)}`;

  constructor(readonly url: string) {}

  open(logger = quiet): Promise<Broker> {
    return createBroker({ amqpUrl: this.url, queuePrefix: this.prefix, logger });
  }

  async clear(): Promise<void> {
    const connection = await connect(this.url);
    const channel = await connection.createChannel();
    for (const queue of JOB_QUEUES) {
      await channel.deleteQueue(jobQueue(this.prefix, queue).name);
      await channel.deleteQueue(deadLetterQueue(this.prefix, queue).name);
    }
    for (const service of ['registry', 'import-worker'] as const) await channel.deleteQueue(callQueue(this.prefix, service).name);
    await channel.deleteExchange(eventExchange(this.prefix).name);
    await connection.close();
  }
}
