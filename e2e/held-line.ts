import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { tempDir } from '#libs/testing';

/** A line to an engine that stops after so many bytes until it is let go: so that a transfer has a middle, however fast the machine is. */
export interface HeldLine extends AsyncDisposable {
  /** `unix:///…`: what a user would give as `credentials.location`. */
  location: string;
  /** What has yet to go through, in both directions and over all connections, until everything stops. */
  holdAfter(bytes: number): void;
  letGo(): void;
}

/** @param socket path of the engine's own */
export async function lineTo(socket: string): Promise<HeldLine> {
  const folder = await tempDir();
  const path = join(folder.path, 'docker.sock');
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  let left = Infinity;
  const gate = () =>
    new Transform({
      transform(chunk: Buffer, _, done) {
        left -= chunk.length;
        if (left >= 0) done(null, chunk);
        else held.push(() => done(null, chunk));
      },
    });
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
    left = Infinity;
    for (const go of held.splice(0)) go();
  };
  return {
    location: `unix://${path}`,
    holdAfter: (bytes) => void (left = bytes),
    letGo,
    async [Symbol.asyncDispose]() {
      letGo();
      await new Promise((resolve) => (server.close(resolve), sockets.forEach((one) => one.destroy())));
      await folder.remove();
    },
  };
}
