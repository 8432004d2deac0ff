import { type Options } from 'amqplib';
import { type JobQueue, type ServiceName } from '#libs/contracts';

/** Name and arguments of every queue and exchange. Two sides that declare one differently close each other's channels: here is the only place. */

interface Declaration {
  readonly name: string;
  readonly options: Options.AssertQueue;
}

/** Deliveries after the first before a job's message is dead. Explicit, because the default differs by release, and -1 loses messages on 3.10. */
export const DELIVERY_LIMIT = 20;

/** The greatest that fits every release's timers: 24 days. 3.10 accepts it and goes by its own `consumer_timeout`. */
const CONSUMER_TIMEOUT_MS = 2 ** 31 - 1;

/** Jobs of one queue; what cannot be delivered goes to its dead-letter queue. */
export function jobQueue(prefix: string, queue: JobQueue): Declaration {
  return {
    name: `${prefix}.${queue}`,
    options: {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': DELIVERY_LIMIT,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': deadLetterQueue(prefix, queue).name,
        'x-consumer-timeout': CONSUMER_TIMEOUT_MS,
      },
    },
  };
}

/** Classic, because a classic queue has no delivery limit: what is here stays until it was heard. */
export function deadLetterQueue(prefix: string, queue: JobQueue): Declaration {
  return { name: `${prefix}.${queue}.dead`, options: { durable: true, arguments: { 'x-queue-type': 'classic' } } };
}

/**
 * Calls to one service. It goes with its last consumer, so that a call to a service that is not there is returned at once.
 * Durable, because transient queues that are not exclusive go in 4.3; the calls in it are not.
 */
export function callQueue(prefix: string, service: ServiceName): Declaration {
  return {
    name: `${prefix}.calls.${service}`,
    options: { durable: true, autoDelete: true, arguments: { 'x-queue-type': 'classic' } },
  };
}

/** A fanout of all broadcasts; each listener binds a queue of its own. */
export function eventExchange(prefix: string): { name: string; type: 'fanout'; options: Options.AssertExchange } {
  return { name: `${prefix}.events`, type: 'fanout', options: { durable: true } };
}

/** Named by the server, gone with its connection. */
export const LISTENER_QUEUE: Options.AssertQueue = { exclusive: true, autoDelete: true };

/** Answers to calls come back on the asking channel itself, without a queue. */
export const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';
