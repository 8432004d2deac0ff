import { describe, expect, it } from '@jest/globals';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ViceError } from '#libs/errors';
import { startFault } from './start-fault.js';

const failureOf = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => null,
    (error: unknown) => error,
  );

function listen(port: number): Promise<ReturnType<typeof createServer>> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', () => resolve(server));
  });
}

describe('startFault', () => {
  it('says that a port is taken, and what to do', async () => {
    const server = await listen(0);
    const { port } = server.address() as { port: number };
    const failure = await failureOf(listen(port));
    server.close();
    expect(startFault(failure)).toBe(`127.0.0.1:${port} is taken by another process: stop that one, or set PORT to another port`);
  });

  it('names the folder that cannot be made', async () => {
    expect(startFault(await failureOf(mkdir('/dev/null/x', { recursive: true })))).toMatch(
      /^the folder \/dev\/null\/x cannot be made: ENOTDIR.*VICE_DATA_DIR/,
    );
  });

  it('keeps our own words, and the stack of what nobody expected', () => {
    expect(startFault(new ViceError('CONFIGURATION', 'PORT is wrong'))).toBe('PORT is wrong');
    expect(startFault(new TypeError('odd'))).toContain('start-fault.spec');
  });
});
