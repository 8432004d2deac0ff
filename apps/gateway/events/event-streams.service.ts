import { type ServerResponse } from 'node:http';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type Broadcast } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { BROKER, CallClient, type Broker, type Subscription } from '#libs/messaging';
import { type Logger } from '#libs/observability';
import { LOGGER } from '../tokens.js';
import { EventStream } from './event-stream.js';

const KEEP_ALIVE_MS = 15_000;

/** All open event streams of this gateway. One subscription at the broker serves them all. */
@Injectable()
export class EventStreams implements OnModuleInit, OnModuleDestroy {
  private readonly ofUser = new Map<string, Set<EventStream>>();
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(
    private readonly calls: CallClient,
    @Inject(BROKER) private readonly broker: Broker,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async onModuleInit(): Promise<void> {
    this.subscription = await this.broker.onBroadcast((message) => this.hear(message));
    this.timer = setInterval(() => this.each((stream) => stream.keepAlive()), KEEP_ALIVE_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    this.closing = true;
    clearInterval(this.timer);
    await this.subscription?.close();
    this.each((stream) => stream.close());
  }

  /** Raises UNAVAILABLE, before the answer has begun. */
  async open(userId: string, after: string | null, response: ServerResponse): Promise<void> {
    if (this.closing) throw new ViceError('UNAVAILABLE', 'this gateway is closing; connect again');
    const stream = new EventStream({ userId, after, response, ask: this.calls.ask, logger: this.logger });
    const streams = this.ofUser.get(userId) ?? new Set();
    this.ofUser.set(userId, streams.add(stream));
    const forget = () => {
      streams.delete(stream);
      if (streams.size === 0 && this.ofUser.get(userId) === streams) this.ofUser.delete(userId);
    };
    response.once('close', forget);
    try {
      await stream.open();
    } catch (error) {
      forget();
      throw error;
    }
    if (this.closing) stream.close();
  }

  private hear(message: Broadcast): void {
    for (const stream of this.ofUser.get(message.userId) ?? []) {
      if (message.kind === 'stored') stream.wake();
      else stream.progress(message.change);
    }
  }

  private each(act: (stream: EventStream) => void): void {
    for (const streams of this.ofUser.values()) for (const stream of streams) act(stream);
  }
}
