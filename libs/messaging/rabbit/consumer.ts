import { type Channel, type ConsumeMessage } from 'amqplib';
import { type Logger } from '#libs/observability';
import { type Subscription } from '../broker.js';
import { withinMs } from '../unavailable.js';
import { type RabbitConnection } from './rabbit-connection.js';
import { StandingChannel } from './standing-channel.js';

const CANCEL_MS = 5_000;

interface ConsumerPlan {
  purpose: string;
  /** Declares the queue on a new channel and gives its name. */
  declare(channel: Channel): Promise<string>;
  /** Messages in hand at once; null where nothing is to be settled. */
  prefetch: number | null;
  /** Must not throw. */
  take(message: MessageInHand): void;
}

/** A message that was delivered. Settling it twice, or after its channel closed, does nothing: the broker has it back then. */
export interface MessageInHand {
  readonly message: ConsumeMessage;
  readonly channel: Channel;
  ack(): void;
  release(): void;
  /** Not to be delivered again: a dead letter, where its queue has a place for these. */
  refuse(): void;
}

/** What was delivered on one channel and is not settled yet. */
interface Line {
  channel: Channel;
  consumerTag: string;
  unsettled: number;
}

/**
 * A consumer with a channel of its own, which nothing but close() ends: when the broker cancels it, closes its channel (delivery timeout)
 * or goes away, it subscribes again. After close(), its channel stays until what is in hand has been settled.
 */
export class Consumer implements Subscription {
  private readonly standing: StandingChannel<Channel>;
  private line?: Line;
  private closing = false;

  constructor(
    private readonly connection: RabbitConnection,
    private readonly plan: ConsumerPlan,
    private readonly log: Logger,
  ) {
    this.standing = new StandingChannel<Channel>(
      connection,
      {
        purpose: plan.purpose,
        open: (model) => model.createChannel(),
        setUp: (channel) => this.subscribe(channel),
        lost: () => (this.line = undefined),
      },
      log,
    );
  }

  /** Resolves with this once it consumes. */
  async started(): Promise<this> {
    await this.standing.ready;
    return this;
  }

  async close(): Promise<void> {
    if (this.closing) return;
    this.closing = true;
    this.standing.retire();
    const { line } = this;
    if (!line) return;
    await withinMs(line.channel.cancel(line.consumerTag), CANCEL_MS, `ending ${this.plan.purpose}`).catch(() => undefined);
    this.closeWhenSettled(line);
  }

  private async subscribe(channel: Channel): Promise<void> {
    const queue = await this.plan.declare(channel);
    if (this.plan.prefetch !== null) await channel.prefetch(this.plan.prefetch, false);
    const line: Line = { channel, consumerTag: '', unsettled: 0 };
    const { consumerTag } = await channel.consume(queue, (message) => this.take(line, message), {
      noAck: this.plan.prefetch === null,
    });
    line.consumerTag = consumerTag;
    this.line = line;
  }

  private take(line: Line, message: ConsumeMessage | null): void {
    if (!message) {
      this.log.warn({ purpose: this.plan.purpose }, 'the broker cancelled a consumer; it subscribes again');
      void line.channel.close().catch(() => undefined);
      return;
    }
    line.unsettled += 1;
    this.plan.take(this.inHand(line, message));
  }

  private inHand(line: Line, message: ConsumeMessage): MessageInHand {
    let settled = this.plan.prefetch === null;
    const settle = (send: () => void) => {
      if (settled) return;
      settled = true;
      try {
        send();
      } catch {
        return; // the channel is closed
      }
      line.unsettled -= 1;
      this.closeWhenSettled(line);
    };
    return {
      message,
      channel: line.channel,
      ack: () => settle(() => line.channel.ack(message)),
      release: () => settle(() => line.channel.nack(message, false, true)),
      refuse: () => settle(() => line.channel.nack(message, false, false)),
    };
  }

  private closeWhenSettled(line: Line): void {
    if (this.closing && (line.unsettled === 0 || this.plan.prefetch === null)) this.connection.endChannel(line.channel);
  }
}
