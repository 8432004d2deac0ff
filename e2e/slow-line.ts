import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { tempDir } from '#libs/testing';

/** On each connection, in each direction: enough for questions and their answers, and not for an image. */
const FREE_BYTES = 256 * 1024;
const TRICKLE_MS = 500;

/** A line to an engine that can be slow: then transfers all but stand still, without anyone taking them for dead. */
export interface SlowLine extends AsyncDisposable {
  /** `unix:///…`: what a user would give as `credentials.location`. */
  location: string;
  /** From now on, connections let a byte through now and then after their first 256 KiB. */
  slowDown(): void;
  letGo(): void;
}

/** @param socket path of the engine's own */
export async function slowLineTo(socket: string): Promise<SlowLine> {
  const folder = await tempDir();
  const path = join(folder.path, 'docker.sock');
  const sockets = new Set<Socket>();
  const line = new EventTarget();
  let slow = false;
  const fast = () =>
    new Promise<void>((resolve) => {
      const wake = () => (clearTimeout(timer), line.removeEventListener('go', wake), resolve());
      const timer = setTimeout(wake, TRICKLE_MS);
      line.addEventListener('go', wake);
    });
  const gate = () => {
    let free = FREE_BYTES;
    return new Transform({
      async transform(chunk: Buffer, _, done) {
        let rest = chunk;
        while (slow && rest.length > free) {
          this.push(rest.subarray(0, free + 1));
          rest = rest.subarray(free + 1);
          free = 0;
          await fast();
        }
        free = Math.max(0, free - rest.length);
        done(null, rest);
      },
    });
  };
  const server = createServer((inner) => {
    // The engine hangs up after its answer, whose end may not have got through yet: that must not end the way to us.
    const outer = connect({ path: socket, allowHalfOpen: true });
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from.on('close', () => sockets.delete(from)));
      pipeline(from, gate(), to).catch(() => (from.destroy(), to.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const letGo = () => {
    slow = false;
    line.dispatchEvent(new Event('go'));
  };
  return {
    location: `unix://${path}`,
    slowDown: () => void (slow = true),
    letGo,
    async [Symbol.asyncDispose]() {
      letGo();
      await new Promise((resolve) => (server.close(resolve), sockets.forEach((one) => one.destroy())));
      await folder.remove();
    },
  };
}
