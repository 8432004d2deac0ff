import { type Ask, type Call } from '#libs/contracts';
import { type Broker } from '../broker.js';

/** Asks other services, typed by the calls' declarations. */
export class CallClient {
  constructor(
    private readonly broker: Broker,
    private readonly defaultDeadlineMs = 10_000,
  ) {}

  /** Bound, so that it can be handed on as it is. Raises what the handler raised, or UNAVAILABLE. */
  readonly ask: Ask = (call, request) => this.askWithin(call, request, this.defaultDeadlineMs);

  askWithin<Request, Answer>(call: Call<Request, Answer>, request: Request, deadlineMs: number): Promise<Answer> {
    return this.broker.request(call.service, call.name, request, { deadlineMs }) as Promise<Answer>;
  }
}
