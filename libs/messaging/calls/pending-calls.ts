import { type ServiceName } from '#libs/contracts';
import { type ViceError } from '#libs/errors';
import { unavailable } from '../unavailable.js';
import { opened, type Reply } from './call-exchange.js';

interface PendingCall {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout;
}

/** Calls that wait for their answer. Each ends once: by its answer, a refusal or its deadline; what comes later is ignored. */
export class PendingCalls {
  private readonly pending = new Map<string, PendingCall>();
  private lastId = 0;

  /** `send` is given the id that the answer has to carry. */
  open(service: ServiceName, name: string, deadlineMs: number, send: (id: string) => void): Promise<unknown> {
    const id = (++this.lastId).toString(36);
    return new Promise((resolve, reject) => {
      const late = () =>
        this.refuse(id, unavailable(`the ${service} did not answer ${name} within ${deadlineMs} ms; try again later`));
      this.pending.set(id, { resolve, reject, timer: setTimeout(late, deadlineMs) });
      try {
        send(id);
      } catch (error) {
        this.refuse(id, unavailable(`${name} cannot be asked of the ${service} at the moment; try again later`, error));
      }
    });
  }

  settle(id: string, reply: Reply): void {
    const call = this.take(id);
    if (!call) return;
    try {
      call.resolve(opened(reply));
    } catch (error) {
      call.reject(error);
    }
  }

  refuse(id: string, error: ViceError): void {
    this.take(id)?.reject(error);
  }

  refuseAll(reason: string): void {
    for (const id of [...this.pending.keys()]) this.refuse(id, unavailable(reason));
  }

  private take(id: string): PendingCall | undefined {
    const call = this.pending.get(id);
    if (call) {
      this.pending.delete(id);
      clearTimeout(call.timer);
    }
    return call;
  }
}
