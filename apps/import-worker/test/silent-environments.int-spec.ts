import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RemoteCalls } from '#libs/contracts';
import { CallClient } from '#libs/messaging';
import { testImportWorker, type TestImportWorker } from './test-import-worker.js';

describe('what users ask of an environment that takes connections and never answers', () => {
  let server: Server;
  let worker: TestImportWorker;
  beforeAll(async () => {
    server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    worker = await testImportWorker();
    const location = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const specifics = { insecure: true, master: location };
    worker.environment = worker.sealed({ software: 'bwLehrpool', location, username: 'ada', specifics });
  });
  afterAll(async () => {
    await worker?.[Symbol.asyncDispose]();
    server?.close();
  });

  const ask = <Answer>(call: { service: 'import-worker' | 'registry'; name: string; __answer?: Answer }) =>
    new CallClient(worker.broker).askWithin(call, { userId: randomUUID(), environmentId: worker.environment!.id }, 1_100);

  it('is answered in words, before the caller gives up', async () => {
    expect(await ask(RemoteCalls.checkEnvironment)).toEqual({ ok: false, message: 'the environment did not answer in time' });
    await expect(ask(RemoteCalls.listRemoteImages)).rejects.toMatchObject({
      code: 'ENVIRONMENT_UNREACHABLE',
      message: expect.stringContaining('did not answer in time'),
    });
  });
});
