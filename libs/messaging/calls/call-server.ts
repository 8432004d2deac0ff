import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { callsOf, type ServiceName } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { beginWork, traced, type Logger } from '#libs/observability';
import { type Broker, type CallContext, type Subscription } from '../broker.js';
import { HandlerTable } from '../handler-table.js';
import { invoke } from '../nest-handler.js';
import { unavailable } from '../unavailable.js';
import { callSpan } from './call-exchange.js';
import { CALLS } from './call-handler.js';
import { withinCall } from './current-call.js';

export interface CallServerOptions {
  /** Calls that are worked on at once. */
  concurrency?: number;
  /** Makes an error that the service knows better of what the caller is to be told; any other comes back as it is. */
  explain?: (error: unknown) => Promise<unknown>;
}

/**
 * Answers the calls to a service by its @CallHandler methods: `app.connectMicroservice({ strategy: new CallServer('registry', broker, logger) })`.
 * It does not start unless each call of the service has exactly one handler.
 */
export class CallServer extends Server implements CustomTransportStrategy {
  override readonly transportId = CALLS;
  private readonly handlers = new HandlerTable('call');
  private subscription?: Subscription;
  private readonly running = new Set<Promise<unknown>>();

  constructor(
    private readonly service: ServiceName,
    private readonly broker: Broker,
    private readonly log: Logger,
    private readonly options: CallServerOptions = {},
  ) {
    super();
  }

  override addHandler(name: string, handler: MessageHandler, _isEvent?: boolean, extras: Record<string, unknown> = {}): void {
    this.handlers.add(name, handler, String(extras['service']));
  }

  async listen(started: (error?: unknown) => void): Promise<void> {
    try {
      this.handlers.check(
        this.service,
        callsOf(this.service).map((call) => call.name),
      );
      this.subscription = await this.broker.serve(
        this.service,
        (name, body, context) => this.track(this.received(name, body, context)),
        this.options,
      );
      started();
    } catch (error) {
      started(error);
    }
  }

  /** Takes no more calls and waits until those in hand are answered. */
  async close(): Promise<void> {
    await this.subscription?.close();
    await Promise.allSettled(this.running);
  }

  on(): never {
    throw new Error('a CallServer emits no events');
  }

  unwrap<T>(): T {
    return this.broker as T;
  }

  private received(name: string, body: unknown, context: CallContext): Promise<unknown> {
    return beginWork(context.trail, () =>
      traced(...callSpan(this.service, name, 'server'), () => this.answer(name, body, context)),
    );
  }

  private async answer(name: string, body: unknown, context: CallContext): Promise<unknown> {
    const handler = this.handlers.get(name);
    if (!handler) throw unavailable(`the ${this.service} does not know the call ${name}: is it of another release?`);
    try {
      return await withinCall(context, () => invoke(handler, body, context));
    } catch (error) {
      const known = ViceError.from((await this.options.explain?.(error)) ?? error);
      if (known.code === 'INTERNAL')
        this.log.error({ call: name, err: known.cause ?? known }, 'a call failed by a fault of ours');
      throw known;
    }
  }

  private track<T>(call: Promise<T>): Promise<T> {
    this.running.add(call);
    const done = () => void this.running.delete(call);
    call.then(done, done);
    return call;
  }
}
