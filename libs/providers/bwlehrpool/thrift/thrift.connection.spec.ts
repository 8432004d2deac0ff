import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Master, Satellite } from '../calls/methods.js';
import { ProtocolFault } from './message.js';
import { CallDropped, ThriftConnection } from './thrift.connection.js';

const ANSWER = Buffer.from(
  '00000022 80010002 0000000a 67657456657273696f6e 00000001 0a0000 0000000000000005 00'.replace(/ /g, ''),
  'hex',
);

describe('a connection for calls', () => {
  let server: Server;
  afterEach(() => void server.close());

  const connected = async (serve: (socket: Socket) => void, signal = new AbortController().signal) => {
    server = createServer((socket) => serve(socket.on('error', () => undefined)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    return new ThriftConnection(socket, signal);
  };
  const ask = (connection: ThriftConnection, withinMs?: number) =>
    connection.call(Satellite.getVersion, { clientVersion: 5n }, withinMs);

  it('gives each call its answer, in whatever order they come', async () => {
    const second = Buffer.from(ANSWER);
    second.writeUInt32BE(2, 22);
    second.writeUInt8(6, 36);
    const connection = await connected((socket) => {
      let heard = 0;
      socket.on(
        'data',
        (chunk: Buffer) => (heard += chunk.length) === 2 * ANSWER.length && socket.write(Buffer.concat([second, ANSWER])),
      );
    });
    expect(await Promise.all([ask(connection), ask(connection)])).toEqual([5n, 6n]);
    connection.close();
  });

  it.each([
    ['closes', (socket: Socket) => socket.once('data', () => socket.end())],
    ['breaks', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
    ['is closed in the midst of an answer', (socket: Socket) => socket.once('data', () => socket.end(ANSWER.subarray(0, 20)))],
  ])('ends its calls at once when it %s', async (_what, serve) => {
    const connection = await connected(serve);
    const calls = await Promise.allSettled([ask(connection), ask(connection)]);
    for (const call of calls) expect(call).toMatchObject({ status: 'rejected', reason: expect.any(CallDropped) });
    expect(connection.usable).toBe(false);
    await expect(ask(connection)).rejects.toBeInstanceOf(CallDropped);
  });

  it('ends a call at its deadline, and itself with it', async () => {
    const connection = await connected(() => undefined);
    await expect(ask(connection, 1)).rejects.toThrow(/was not answered within/);
    expect(connection.usable).toBe(false);
  });

  it('gives calls that users wait for so little time that two fit into a request, and those that change something more', async () => {
    const { withinMs } = Satellite.getImageList;
    for (const method of [Satellite.whoami, Satellite.getImageDetails, Satellite.requestDownload, Master.localAccountLogin])
      expect(method.withinMs).toBe(withinMs);
    expect(2 * withinMs).toBeLessThan(20_000);
    for (const method of [Satellite.createImage, Satellite.requestImageVersionUpload, Satellite.deleteImageBase])
      expect(method.withinMs).toBeGreaterThan(2 * withinMs);
  });

  it('ends a call at the deadline of its method', async () => {
    const connection = await connected((socket) => socket.resume());
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'performance', 'Date', 'queueMicrotask'] });
    try {
      const call = ask(connection);
      jest.advanceTimersByTime(Satellite.getVersion.withinMs);
      await expect(call).rejects.toThrow('"getVersion" was not answered within 8 s');
    } finally {
      jest.useRealTimers();
    }
  });

  it('ends when it is told to, with the reason for that', async () => {
    const control = new AbortController();
    const connection = await connected(() => undefined, control.signal);
    const call = ask(connection);
    const reason = new Error('enough');
    control.abort(reason);
    await expect(call).rejects.toBe(reason);
  });

  it.each([
    ['a frame that is too long', Buffer.from('7fffffff', 'hex')],
    ['an answer to nothing', Buffer.concat([ANSWER.subarray(0, 22), Buffer.from('00000009', 'hex'), ANSWER.subarray(26)])],
  ])('ends at %s', async (_what, bytes) => {
    const connection = await connected((socket) => socket.once('data', () => socket.write(bytes)));
    await expect(ask(connection)).rejects.toBeInstanceOf(ProtocolFault);
  });
});
