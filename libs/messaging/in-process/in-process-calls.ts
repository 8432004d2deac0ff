import { type ServiceName } from '#libs/contracts';
import { currentTrail } from '#libs/observability';
import { type CallContext, type CallListener, type Subscription } from '../broker.js';
import { callContext, encode, replyTo } from '../calls/call-exchange.js';
import { PendingCalls } from '../calls/pending-calls.js';
import { unavailable } from '../unavailable.js';

interface WaitingCall {
  id: string;
  name: string;
  text: string;
  context: CallContext;
}

/** Those who answer the calls to one service, in turn, each with at most `concurrency` calls in hand. */
class CallLine {
  private readonly servers: CallListener[] = [];
  private readonly waiting: WaitingCall[] = [];
  private running = 0;
  private capacity = 0;
  private turn = 0;

  constructor(private readonly pending: PendingCalls) {}

  get served(): boolean {
    return this.servers.length > 0;
  }

  join(handle: CallListener, concurrency: number): Subscription {
    this.servers.push(handle);
    this.capacity += concurrency;
    let left = false;
    const close = async () => {
      if (left) return;
      left = true;
      this.servers.splice(this.servers.indexOf(handle), 1);
      this.capacity -= concurrency;
    };
    return { close };
  }

  take(call: WaitingCall): void {
    if (!this.served)
      return this.pending.refuse(call.id, unavailable(`nobody answers ${call.name} at the moment; try again later`));
    this.waiting.push(call);
    this.work();
  }

  private work(): void {
    while (this.running < this.capacity) {
      const call = this.waiting.shift();
      if (!call) return;
      if (call.context.expired()) continue;
      const handle = this.servers[this.turn++ % this.servers.length] as CallListener;
      this.running += 1;
      void this.answer(call, handle);
    }
  }

  private async answer(call: WaitingCall, handle: CallListener): Promise<void> {
    const reply = await replyTo(handle, call, call.context);
    this.running -= 1;
    this.pending.settle(call.id, reply);
    this.work();
  }
}

/** Calls between services of one process. */
export class InProcessCalls {
  private readonly pending = new PendingCalls();
  private readonly lines = new Map<ServiceName, CallLine>();

  async request(service: ServiceName, name: string, body: unknown, deadlineMs: number): Promise<unknown> {
    const line = this.line(service);
    const text = encode(body);
    const context = callContext(Date.now() + deadlineMs, currentTrail());
    return this.pending.open(service, name, deadlineMs, (id) => void setImmediate(() => line.take({ id, name, text, context })));
  }

  serve(service: ServiceName, handle: CallListener, concurrency: number): Subscription {
    return this.line(service).join(handle, concurrency);
  }

  close(): void {
    this.pending.refuseAll('the broker was closed while the answer was awaited');
  }

  private line(service: ServiceName): CallLine {
    const line = this.lines.get(service) ?? new CallLine(this.pending);
    this.lines.set(service, line);
    return line;
  }
}
