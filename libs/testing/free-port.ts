import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** A port of 127.0.0.1 at which nothing listens just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

/** A port from which all of `port + offset` are free too, below the range that the kernel hands out by itself. */
export async function freePortWithOffsets(offsets: readonly number[]): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(11_000, 12_000);
    const all = await Promise.all([0, ...offsets].map((offset) => isFree(port + offset)));
    if (all.every(Boolean)) return port;
  }
  throw new Error(`no port has ${offsets.join(', ')} above it free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
