import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Thrown } from './exceptions.js';
import { type Faults } from './faults.js';
import { decodeCall, encodeReply, i32, struct, text, type Fields, type Wire } from './wire.js';

export interface ServedMethod {
  /** Letters of the exceptions that it declares, in the order of their ids. */
  throws: string;
  /** What it answers; undefined: nothing. */
  handle(args: Fields): Wire | undefined;
}

const MAX_FRAME = 16_384_000;

export type Service = Readonly<Record<string, ServedMethod>>;

/** Listens at 127.0.0.1: plain, or with TLS. Answers the port. */
export class Listener {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private open = 0;

  /** @param most how many connections at once; further ones are closed without a word */
  constructor(serve: (socket: Socket) => void, tls?: TlsOptions, most = () => Infinity) {
    const accept = (socket: Socket) => {
      this.sockets.add(socket.on('close', () => this.sockets.delete(socket)));
      socket.on('error', () => undefined);
      socket.setNoDelay(true);
      serve(socket);
    };
    const tlsServer = tls && createTlsServer(tls, accept).on('tlsClientError', () => undefined);
    this.server = createServer((socket) => {
      socket.on('error', () => undefined);
      if (this.open >= most()) return void socket.resume().end(); // unread, it would never close
      this.open++;
      socket.on('close', () => this.open--);
      if (tlsServer) tlsServer.emit('connection', socket);
      else accept(socket);
    });
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    return (this.server.address() as { port: number }).port;
  }

  hangUp(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.hangUp();
    await closed;
  }
}

/** Serves calls on a connection, one after the other. */
export function serveCalls(socket: Socket, service: Service, faults: Faults): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    if (held.length >= 4 && held.readUInt32BE() > MAX_FRAME) return void socket.destroy();
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE()) {
      const frame = held.subarray(4, 4 + held.readInt32BE());
      held = held.subarray(4 + frame.length);
      answer(socket, frame, service, faults);
    }
  });
}

function answer(socket: Socket, frame: Buffer, service: Service, faults: Faults): void {
  const call = decodeCall(frame);
  faults.heardCall(call.name);
  const drop = faults.dropOf(call.name);
  if (drop === 'before') return void socket.destroy();
  const method = service[call.name];
  if (!method)
    return void socket.write(encodeReply(call, 3, struct({ 1: text(`Invalid method name: '${call.name}'`), 2: i32(1) })));
  const reply = encodeReply(call, 2, resultOf(method, call.name, call.args, faults));
  if (drop === 'after') socket.destroy();
  else socket.write(reply);
}

function resultOf({ throws, handle }: ServedMethod, name: string, args: Fields, faults: Faults): Wire {
  try {
    const raised = faults.raisedBy(name);
    if (raised) throw raised;
    return struct(faults.isUnanswered(name) ? {} : { 0: handle(args) });
  } catch (error) {
    if (!(error instanceof Thrown)) throw error;
    return struct({ [throws.indexOf(error.letter) + 1]: error.body });
  }
}
