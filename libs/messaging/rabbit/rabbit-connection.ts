import { hostname } from 'node:os';
import { connect, type Channel, type ChannelModel } from 'amqplib';
import { type Logger } from '#libs/observability';
import { Backoff } from '../backoff.js';
import { unavailable, withinMs } from '../unavailable.js';

const CONNECT_MS = 10_000;
const CLOSE_MS = 5_000;
/** Without traffic for twice as long the connection counts as broken. */
const HEARTBEAT_SECONDS = '10';

/** The one connection of a process to RabbitMQ. It is made again for ever, with jittered pauses, until close(). */
export class RabbitConnection {
  private model?: ChannelModel;
  private fault: unknown = 'it was not tried yet';
  private blockedBy: string | null = null;
  private waiting: ((model: ChannelModel | null) => void)[] = [];
  private readonly closing = new AbortController();
  private readonly url: URL;
  /** Channels that are being closed. */
  private readonly ending = new Set<Promise<void>>();

  constructor(
    url: string,
    private readonly log: Logger,
  ) {
    this.url = new URL(url);
    if (!this.url.searchParams.has('heartbeat')) this.url.searchParams.set('heartbeat', HEARTBEAT_SECONDS);
    void this.supervise();
  }

  /** Where it leads, without the credentials. */
  get place(): string {
    return this.url.host;
  }

  get closed(): boolean {
    return this.closing.signal.aborted;
  }

  /** Resolves with the open connection, however long that takes; with null once it is closed for good. */
  async opened(): Promise<ChannelModel | null> {
    if (this.closed) return null;
    return this.model ?? new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Why nothing can be published now; null when it can. Under a memory or disk alarm the broker takes nothing in, and says so. */
  trouble(): string | null {
    if (!this.model) return `no connection to RabbitMQ at ${this.place}: ${reasonOf(this.fault)}`;
    if (this.blockedBy !== null) return `RabbitMQ at ${this.place} takes nothing in at the moment: ${this.blockedBy}`;
    return null;
  }

  /** Closes a channel, without waiting. What was sent on it is heard even when the connection is closed next. */
  endChannel(channel: Channel): void {
    const ended = channel
      .close()
      .catch(() => undefined)
      .finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }

  async close(): Promise<void> {
    this.closing.abort();
    const { model } = this;
    this.wake(null);
    // RabbitMQ drops what a channel has not heard yet when its connection is closed: the last acks, and their messages come again.
    await withinMs(Promise.all(this.ending), CLOSE_MS, 'closing channels to RabbitMQ').catch(() => undefined);
    if (model) await withinMs(model.close(), CLOSE_MS, 'closing the connection to RabbitMQ').catch(() => undefined);
  }

  private async supervise(): Promise<void> {
    const backoff = new Backoff(100, 5_000);
    while (!this.closed) {
      try {
        await this.holdOne(() => backoff.reset());
      } catch (error) {
        this.fault = error;
        this.log.warn({ broker: this.place, reason: reasonOf(error) }, 'RabbitMQ cannot be reached');
      }
      await backoff.pause(this.closing.signal);
    }
  }

  /** Opens a connection and resolves when it has ended. */
  private async holdOne(onOpen: () => void): Promise<void> {
    const model = await connect(this.url.href, {
      timeout: CONNECT_MS,
      noDelay: true,
      clientProperties: { connection_name: `vice ${hostname()} ${process.pid}` },
    });
    const ended = new Promise<void>((resolve) => {
      model.once('close', (error) => {
        // At once, in the same turn in which the channels close: they must not take this one for an open connection.
        this.model = undefined;
        this.blockedBy = null;
        this.fault = error ?? 'it was closed';
        resolve();
      });
    });
    model.on('error', (error) => this.log.warn({ broker: this.place, reason: error.message }, 'connection to RabbitMQ broke'));
    model.on('blocked', (reason) => (this.blockedBy = reason));
    model.on('unblocked', () => (this.blockedBy = null));
    if (this.closed) return void (await model.close().catch(() => undefined));
    this.model = model;
    this.log.info({ broker: this.place }, 'connected to RabbitMQ');
    onOpen();
    this.wake(model);
    await ended;
  }

  private wake(model: ChannelModel | null): void {
    for (const resolve of this.waiting.splice(0)) resolve(model);
  }
}

/** Raises UNAVAILABLE unless something can be published now. */
export function assertUsable(connection: RabbitConnection): void {
  const trouble = connection.trouble();
  if (trouble !== null) throw unavailable(trouble);
}

function reasonOf(fault: unknown): string {
  if (fault instanceof AggregateError) return fault.errors.map(reasonOf).join(', ');
  return fault instanceof Error ? fault.message : String(fault);
}
