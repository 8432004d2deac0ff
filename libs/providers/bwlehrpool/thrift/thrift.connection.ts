import { type Socket } from 'node:net';
import { traced } from '#libs/observability';
import { withoutToldSecrets } from '../errors/told-secrets.js';
import { Frames } from './frames.js';
import { encodeCall, openReply, ProtocolFault } from './message.js';
import { type Method } from './method.js';

/** The connection ended, or nothing came in time, before a call was answered: whether it was heard is not known. */
export class CallDropped extends Error {}

type Reply = ReturnType<typeof openReply>;

interface PendingCall {
  answered(reply: Reply): void;
  failed(error: Error): void;
}

/** Calls over one socket. Every call ends: by its answer, at its deadline, or with the connection. */
export class ThriftConnection {
  private readonly pending = new Map<number, PendingCall>();
  private readonly frames = new Frames();
  private sequence = 0;
  private ended: Error | null = null;

  constructor(
    private readonly socket: Socket,
    signal: AbortSignal,
  ) {
    const stop = () => this.end(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    socket.on('data', (chunk: Buffer) => this.hear(chunk));
    socket.on('error', (cause) => this.end(new CallDropped(`the connection broke: ${cause.message}`, { cause })));
    socket.on('close', () => {
      signal.removeEventListener('abort', stop);
      this.end(new CallDropped('the connection was closed'));
    });
    if (signal.aborted) stop();
  }

  get usable(): boolean {
    return this.ended === null;
  }

  /** Raises CallDropped, ProtocolFault, RemoteException, ApplicationException, and the reason of the signal. */
  call<Args extends object, Result>(method: Method<Args, Result>, args: Args, withinMs = method.withinMs): Promise<Result> {
    const attributes = { 'rpc.system': 'thrift', 'rpc.method': method.name };
    return traced(method.name, { kind: 'client', attributes }, () => this.send(method, args, withinMs));
  }

  close(): void {
    this.end(new CallDropped('the connection was closed by us'));
  }

  private send<Args extends object, Result>(method: Method<Args, Result>, args: Args, withinMs: number): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(this.ended);
      const sequence = (this.sequence = (this.sequence + 1) & 0x7fffffff);
      const late = () => this.end(new CallDropped(`"${method.name}" was not answered within ${withinMs / 1000} s`));
      const timer = setTimeout(late, withinMs);
      const settled = (outcome: () => void) => {
        clearTimeout(timer);
        this.pending.delete(sequence);
        outcome();
      };
      this.pending.set(sequence, {
        answered: (reply) => settled(() => resolve(reply.result(method))),
        failed: (error) => settled(() => reject(withoutToldSecrets(error, args))),
      });
      this.socket.write(encodeCall(method, sequence, args));
    });
  }

  private hear(chunk: Buffer): void {
    try {
      for (const frame of this.frames.take(chunk)) this.answer(openReply(frame));
    } catch (error) {
      this.end(error instanceof Error ? error : new ProtocolFault(String(error)));
    }
  }

  private answer(reply: Reply): void {
    const call = this.pending.get(reply.sequence);
    if (!call) throw new ProtocolFault(`an answer to a call that was not made (${reply.sequence})`);
    try {
      call.answered(reply);
    } catch (error) {
      call.failed(error as Error);
    }
  }

  private end(reason: Error): void {
    if (this.ended) return;
    this.ended = reason;
    this.socket.destroy();
    for (const call of [...this.pending.values()]) call.failed(reason);
  }
}
