import { type Logger } from '#libs/observability';
import { type Broker } from './broker.js';
import { InProcessBroker } from './in-process/in-process.broker.js';
import { RabbitBroker } from './rabbit/rabbit.broker.js';

export interface BrokerOptions {
  /** `amqp://…` or `amqps://…`; null: everything in this process. */
  amqpUrl: string | null;
  /** In front of every queue's name, so that several installations can share a broker. */
  queuePrefix: string;
  logger: Logger;
  /** How long to wait for RabbitMQ at first; 30 s by default. Later it is waited for without end. */
  waitMs?: number;
}

/** The broker that the configuration asks for, ready. Raises UNAVAILABLE with the reason when RabbitMQ does not answer in time. */
export async function createBroker({ amqpUrl, queuePrefix, logger, waitMs = 30_000 }: BrokerOptions): Promise<Broker> {
  return amqpUrl === null ? new InProcessBroker(logger) : RabbitBroker.connect(amqpUrl, queuePrefix, waitMs, logger);
}
