import { type ConsumeMessage } from 'amqplib';
import { type JobQueue } from '#libs/contracts';
import { type Logger } from '#libs/observability';
import { Backoff } from '../backoff.js';
import { type DeadMessage } from '../broker.js';
import { bodyShown, jobMessageIn } from '../jobs/job-message.js';
import { deadLetterQueue } from '../topology.js';
import { Consumer, type MessageInHand } from './consumer.js';
import { type RabbitConnection } from './rabbit-connection.js';

const DEAD_LETTERS_AT_ONCE = 10;

/** Reads what the broker gave up on, a few at once; one whose handler fails is handed to it again, and all wait longer while handlers fail. */
export function consumeDeadLetters(
  connection: RabbitConnection,
  prefix: string,
  queue: JobQueue,
  handle: (letter: DeadMessage) => Promise<void>,
  log: Logger,
): Consumer {
  const dead = deadLetterQueue(prefix, queue);
  const backoff = new Backoff(1_000, 60_000);
  const read = async (inHand: MessageInHand) => {
    try {
      await handle(deadMessage(queue, inHand.message));
      backoff.reset();
      inHand.ack();
    } catch (error) {
      log.warn({ queue: dead.name, err: error }, 'a dead letter could not be handled yet');
      await backoff.pause();
      inHand.release();
    }
  };
  return new Consumer(
    connection,
    {
      purpose: `reading dead letters of ${queue}`,
      declare: async (channel) => (await channel.assertQueue(dead.name, dead.options)).queue,
      prefetch: DEAD_LETTERS_AT_ONCE,
      take: (inHand) => void read(inHand),
    },
    log,
  );
}

/** What RabbitMQ writes into the header `x-death`, the latest first: one entry for each queue and reason. */
interface Death {
  reason?: unknown;
  count?: unknown;
}

function deadMessage(queue: JobQueue, { content, properties }: ConsumeMessage): DeadMessage {
  const deaths: unknown = properties.headers?.['x-death'];
  const { reason, count } = (Array.isArray(deaths) ? (deaths[0] as Death | null) : null) ?? {};
  const message = jobMessageIn(content.toString());
  const messageId: unknown = properties.messageId;
  return {
    queue,
    message,
    body: bodyShown(content),
    reason: typeof reason === 'string' ? reason : null,
    count: Number.isSafeInteger(count) ? (count as number) : null,
    // Of what others put there, nobody knows that it tells one from another.
    messageId: message && typeof messageId === 'string' && messageId !== '' ? messageId : null,
  };
}
