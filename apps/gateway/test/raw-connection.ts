import { connect, type Socket } from 'node:net';
import { until } from '#libs/testing';

/** A TCP connection to the gateway, for what no HTTP client would do. */
export class RawConnection implements Disposable {
  received = '';
  closed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => (this.received += chunk.toString('latin1')));
    socket.on('close', () => (this.closed = true)).on('error', () => undefined);
  }

  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => resolve(new RawConnection(socket)));
      socket.once('error', reject);
    });
  }

  send(text: string | Buffer): this {
    this.socket.write(text);
    return this;
  }

  /** Waits until the text has come in. */
  async expect(text: string): Promise<string> {
    await until(() => this.received.includes(text), { what: `${JSON.stringify(text)} comes in` });
    return this.received;
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
