import { type Ask, type Call } from '#libs/contracts';
import { traced } from '#libs/observability';
import { type Broker } from '../broker.js';
import { callSpan } from './call-exchange.js';

/** Asks other services, typed by the calls' declarations. */
export class CallClient {
  constructor(
    private readonly broker: Broker,
    private readonly defaultDeadlineMs = 10_000,
  ) {}

  /** Bound, so that it can be handed on as it is. Raises what the handler raised, or UNAVAILABLE. */
  readonly ask: Ask = (call, request) => this.askWithin(call, request, this.defaultDeadlineMs);

  askWithin<Request, Answer>(call: Call<Request, Answer>, request: Request, deadlineMs: number): Promise<Answer> {
    const { service, name } = call;
    return traced(...callSpan(service, name, 'client'), () =>
      this.broker.request(service, name, request, { deadlineMs }),
    ) as Promise<Answer>;
  }
}
