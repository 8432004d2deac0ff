import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Intake } from './intake.js';
import { encodeMeta } from './meta-block.js';
import { TransferLine } from './transfer-line.js';

describe('a line of a transfer, whose bytes arrive in one buffer', () => {
  let server: Server;
  let theirs: Socket;
  let line: TransferLine;
  beforeEach(async () => {
    server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const intake = new Intake();
    const ours = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', onread: intake });
    [[theirs]] = (await Promise.all([once(server, 'connection'), once(ours, 'connect')])) as unknown as [[Socket], unknown];
    line = new TransferLine(ours, intake, new AbortController().signal);
  });
  afterEach(() => {
    line.close();
    theirs.destroy();
    server.close();
  });

  const read = async (count: number) => {
    const pieces: Buffer[] = [];
    await line.readBytes(count, (piece) => pieces.push(Buffer.from(piece)));
    return Buffer.concat(pieces);
  };
  const meta = encodeMeta({ RANGE: '0:5' });

  it('keeps what came too early until somebody wants it', async () => {
    const first = line.readMeta();
    theirs.write(Buffer.concat([meta, Buffer.from('hello'), meta]));
    expect((await first).get('RANGE')).toBe('0:5');
    theirs.write(Buffer.alloc(200_000, 'x'));
    expect((await read(5)).toString()).toBe('hello');
    expect((await line.readMeta()).get('RANGE')).toBe('0:5');
    expect((await read(200_000)).equals(Buffer.alloc(200_000, 'x'))).toBe(true);
  });

  it('understands what comes in two parts', async () => {
    const whole = line.readMeta();
    await new Promise((gone) => theirs.write(meta.subarray(0, 7), gone));
    await new Promise((later) => setImmediate(later));
    theirs.write(meta.subarray(7));
    expect((await whole).get('RANGE')).toBe('0:5');
  });

  it('tells whoever waits that it was closed', async () => {
    const waiting = read(1);
    theirs.end();
    await expect(waiting).rejects.toThrow('closed');
  });
});
