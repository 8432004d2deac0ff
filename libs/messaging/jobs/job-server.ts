import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { type Ask, type JobKind } from '#libs/contracts';
import { type Logger } from '#libs/observability';
import { type Broker } from '../broker.js';
import { JOBS } from './job-handler.js';

export interface JobServerOptions {
  kind: JobKind;
  broker: Broker;
  ask: Ask;
  /** Jobs at once in this process. */
  concurrency: number;
  /** How long close() lets running jobs go on before it aborts them. */
  shutdownMs: number;
  logger: Logger;
}

export class JobServer extends Server implements CustomTransportStrategy {
  override readonly transportId = JOBS;

  constructor(private readonly options: JobServerOptions) {
    super();
  }

  /** Jobs in hand, from the claim until the report was heard. */
  get running(): number {
    return 0;
  }

  async listen(started: (error?: unknown) => void): Promise<void> {
    started(new Error(`the jobs of ${this.options.kind} are not served yet`));
  }

  async close(): Promise<void> {}

  on(): never {
    throw new Error('a JobServer emits no events');
  }

  unwrap<T>(): T {
    return this.options.broker as T;
  }
}
