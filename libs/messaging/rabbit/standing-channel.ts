import { type Channel, type ChannelModel } from 'amqplib';
import { type Logger } from '#libs/observability';
import { Backoff } from '../backoff.js';
import { unavailable } from '../unavailable.js';
import { type RabbitConnection } from './rabbit-connection.js';

/** A channel that lived this long was set up well: the next one may come without a pause. */
const PROVEN_MS = 5_000;

interface ChannelPlan<C extends Channel> {
  purpose: string;
  open(model: ChannelModel): Promise<C>;
  /** Declares, subscribes: whatever a new channel needs before it is used. */
  setUp(channel: C): Promise<void>;
  /** The channel in use is gone; what it held is void. */
  lost?(): void;
}

/** A channel that is opened and set up again whatever closed it, with its connection or alone, until it is closed from this side. */
export class StandingChannel<C extends Channel> {
  /** Undefined between two channels. */
  current?: C;
  /** Resolves when the first channel is set up. */
  readonly ready: Promise<void>;
  private readonly retired = new AbortController();

  constructor(
    private readonly connection: RabbitConnection,
    private readonly plan: ChannelPlan<C>,
    private readonly log: Logger,
  ) {
    this.ready = new Promise((resolve, reject) => {
      void this.stand(resolve).then(() => reject(unavailable(`the broker was closed before ${plan.purpose} could begin`)));
    });
    this.ready.catch(() => undefined);
  }

  /** The channel in use; UNAVAILABLE where there is none. */
  get usable(): C {
    if (!this.current) throw unavailable(`no channel to RabbitMQ for ${this.plan.purpose} at the moment`);
    return this.current;
  }

  /** No further channel after this one. */
  retire(): void {
    this.retired.abort();
  }

  private async stand(ready: () => void): Promise<void> {
    const backoff = new Backoff(50, 5_000);
    while (!this.retired.signal.aborted) {
      const model = await this.connection.opened();
      if (!model) return;
      const since = performance.now();
      try {
        await this.useOne(model, ready);
      } catch (error) {
        this.log.warn({ purpose: this.plan.purpose, reason: (error as Error).message }, 'a channel could not be set up');
      }
      if (performance.now() - since > PROVEN_MS) backoff.reset();
      if (!this.retired.signal.aborted && !this.connection.closed) await backoff.pause(this.retired.signal);
    }
  }

  /** Opens a channel and resolves when it has ended. */
  private async useOne(model: ChannelModel, ready: () => void): Promise<void> {
    const channel = await this.plan.open(model);
    const ended = new Promise<void>((resolve) => channel.once('close', resolve));
    channel.on('error', (error) => this.log.warn({ purpose: this.plan.purpose, reason: error.message }, 'a channel was closed'));
    try {
      await this.plan.setUp(channel);
      if (this.retired.signal.aborted) return;
      this.current = channel;
      ready();
      await ended;
    } finally {
      this.current = undefined;
      void channel.close().catch(() => undefined);
      this.plan.lost?.();
    }
  }
}
