import { type Channel } from 'amqplib';
import { type Broadcast } from '#libs/contracts';
import { type Logger } from '#libs/observability';
import { encode } from '../calls/call-exchange.js';
import { eventExchange, LISTENER_QUEUE } from '../topology.js';
import { Consumer } from './consumer.js';
import { type RabbitConnection } from './rabbit-connection.js';
import { StandingChannel } from './standing-channel.js';

/** Tells all listeners; what cannot be told at this moment is dropped. */
export class Broadcaster {
  private readonly standing: StandingChannel<Channel>;

  constructor(
    private readonly connection: RabbitConnection,
    private readonly prefix: string,
    private readonly log: Logger,
  ) {
    this.standing = new StandingChannel<Channel>(
      connection,
      {
        purpose: 'broadcasting events',
        open: (model) => model.createChannel(),
        setUp: (channel) => declareExchange(channel, prefix),
      },
      log,
    );
  }

  get ready(): Promise<void> {
    return this.standing.ready;
  }

  tell(message: Broadcast): void {
    if (this.connection.trouble() !== null) return;
    try {
      this.standing.usable.publish(eventExchange(this.prefix).name, '', Buffer.from(encode(message)));
    } catch (error) {
      this.log.debug({ reason: (error as Error).message }, 'an event was not broadcast');
    }
  }
}

/** Hears all that is broadcast while it is connected. */
export function listen(
  connection: RabbitConnection,
  prefix: string,
  handle: (message: Broadcast) => void,
  log: Logger,
): Consumer {
  return new Consumer(
    connection,
    {
      purpose: 'hearing events',
      declare: async (channel) => {
        await declareExchange(channel, prefix);
        const { queue } = await channel.assertQueue('', LISTENER_QUEUE);
        await channel.bindQueue(queue, eventExchange(prefix).name, '');
        return queue;
      },
      prefetch: null,
      take: ({ message }) => {
        try {
          handle(JSON.parse(message.content.toString()) as Broadcast);
        } catch (error) {
          log.error({ err: error }, 'an event could not be handled');
        }
      },
    },
    log,
  );
}

async function declareExchange(channel: Channel, prefix: string): Promise<void> {
  const { name, type, options } = eventExchange(prefix);
  await channel.assertExchange(name, type, options);
}
