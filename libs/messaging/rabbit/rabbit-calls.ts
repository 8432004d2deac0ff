import { type Channel, type ConsumeMessage, type Message } from 'amqplib';
import { type ServiceName } from '#libs/contracts';
import { currentTrail, type Logger } from '#libs/observability';
import { type CallListener } from '../broker.js';
import { callContext, encode, refusal, replyTo, type Reply } from '../calls/call-exchange.js';
import { PendingCalls } from '../calls/pending-calls.js';
import { headersOf, trailIn } from '../calls/trail-headers.js';
import { callQueue, DIRECT_REPLY_TO } from '../topology.js';
import { unavailable } from '../unavailable.js';
import { Consumer, type MessageInHand } from './consumer.js';
import { assertUsable, type RabbitConnection } from './rabbit-connection.js';
import { StandingChannel } from './standing-channel.js';

const FAILED = 'failed';
const DEADLINE_HEADER = 'vice-deadline';

/** Asks calls of other services. Questions and answers share one channel, as direct reply-to wants it. */
export class RabbitCaller {
  private readonly pending = new PendingCalls();
  private readonly standing: StandingChannel<Channel>;

  constructor(
    private readonly connection: RabbitConnection,
    private readonly prefix: string,
    log: Logger,
  ) {
    this.standing = new StandingChannel<Channel>(
      connection,
      {
        purpose: 'asking calls',
        open: (model) => model.createChannel(),
        setUp: (channel) => this.listen(channel),
        lost: () => this.pending.refuseAll('the connection to RabbitMQ broke while the answer was awaited; try again'),
      },
      log,
    );
  }

  get ready(): Promise<void> {
    return this.standing.ready;
  }

  async request(service: ServiceName, name: string, body: unknown, deadlineMs: number): Promise<unknown> {
    assertUsable(this.connection);
    const channel = this.standing.usable;
    const content = Buffer.from(encode(body));
    return this.pending.open(service, name, deadlineMs, (correlationId) =>
      channel.publish('', callQueue(this.prefix, service).name, content, {
        type: name,
        correlationId,
        replyTo: DIRECT_REPLY_TO,
        expiration: Math.ceil(deadlineMs),
        headers: { [DEADLINE_HEADER]: Date.now() + deadlineMs, ...headersOf(currentTrail()) },
        mandatory: true,
      }),
    );
  }

  private async listen(channel: Channel): Promise<void> {
    channel.on('return', ({ properties, fields }: Message) =>
      this.pending.refuse(
        String(properties.correlationId),
        unavailable(`nobody answers ${String(properties.type)} at the moment (${fields.routingKey}); try again later`),
      ),
    );
    const hear = (message: ConsumeMessage | null) => {
      if (!message) return void channel.close().catch(() => undefined);
      const { correlationId, type } = message.properties;
      this.pending.settle(String(correlationId), { failed: type === FAILED, text: message.content.toString() });
    };
    await channel.consume(DIRECT_REPLY_TO, hear, { noAck: true });
  }
}

/** Answers the calls to a service. All that it is given is worked on at once: `concurrency` is the prefetch. */
export function serveCalls(
  connection: RabbitConnection,
  prefix: string,
  service: ServiceName,
  handle: CallListener,
  concurrency: number,
  log: Logger,
): Consumer {
  const queue = callQueue(prefix, service);
  return new Consumer(
    connection,
    {
      purpose: `answering calls to the ${service}`,
      declare: async (channel) => (await channel.assertQueue(queue.name, queue.options)).queue,
      prefetch: concurrency,
      take: (inHand) => void answer(handle, inHand),
    },
    log,
  );
}

async function answer(handle: CallListener, inHand: MessageInHand): Promise<void> {
  const { properties } = inHand.message;
  const reply = await outcomeOf(handle, inHand);
  if (reply) send(inHand.channel, String(properties.replyTo), reply, String(properties.correlationId));
  inHand.ack();
}

/** The reply to a call; nothing to one that comes too late. */
async function outcomeOf(handle: CallListener, { message }: MessageInHand): Promise<Reply | undefined> {
  const { type, headers } = message.properties;
  const context = callContext(Number(headers?.[DEADLINE_HEADER]), trailIn(headers));
  if (!(Date.now() < context.deadline)) return undefined;
  if (message.fields.redelivered)
    return refusal(unavailable(`the service went away while it worked on ${String(type)}; see what came of it and try again`));
  return replyTo(handle, { name: String(type), text: message.content.toString() }, context);
}

function send(channel: Channel, queue: string, { failed, text }: Reply, correlationId: string): void {
  try {
    channel.publish('', queue, Buffer.from(text), { correlationId, type: failed ? FAILED : undefined });
  } catch {
    // The channel is closed: whoever asked is told by the redelivery of the call.
  }
}
