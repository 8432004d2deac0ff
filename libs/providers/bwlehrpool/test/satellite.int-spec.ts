import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  createClient,
  createConnection,
  TBinaryProtocol,
  TFramedTransport,
  Thrift,
  type TProtocol,
  type TTransport,
} from 'thrift';
import { describeWith, tool } from '#libs/testing';
import { storeImage } from './bwlehrpool-bench.js';
import { sha1 } from './satellite/store.js';
import { startSatellite, type TestSatellite } from './satellite/test-satellite.js';
import { LECTURER } from './satellite/users.js';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const FOX = Buffer.from('The quick brown fox.');

/** What a client says, against what was captured from the official library and the official servers. */
await describeWith([tool('openssl')], 'the satellite for tests', () => {
  let satellite: TestSatellite;
  beforeAll(async () => void (satellite = await startSatellite()));
  afterAll(async () => satellite?.[Symbol.asyncDispose]());

  it('answers a call as the official server does, byte for byte', async () => {
    const socket = await connected(satellite.rpc.plain);
    socket.write(hex('00000022 80010001 0000000a 67657456657273696f6e 00000001 0a0001 0000000000000005 00'));
    const answer = hex('00000022 80010002 0000000a 67657456657273696f6e 00000001 0a0000 0000000000000005 00');
    expect(await heard(socket, answer.length)).toEqual(answer);
    socket.destroy();
  });

  it('takes a file as the official server does, byte for byte', async () => {
    const { store } = satellite;
    const base = store.createBase('fox', LECTURER.id);
    const upload = store.beginUpload(base, LECTURER.id, FOX.length, null, Buffer.alloc(0));
    store.updateHashes(upload, [sha1(FOX)]);
    const socket = await connected(satellite.transfer.plain);
    socket.write(Buffer.concat([hex('55 002a'), Buffer.from(`TOKEN=${upload.token}`), hex('0000')]));
    const asks = Buffer.concat([hex('000d'), Buffer.from('COMPRESS=true'), hex('000a'), Buffer.from('RANGE=0:20'), hex('0000')]);
    expect(await heard(socket, asks.length)).toEqual(asks);
    socket.write(Buffer.concat([hex('000a 52414e47453d303a3230 0000'), FOX]));
    expect(await heard(socket)).toEqual(hex('0005 444f4e453d 0000'));
    expect(upload.state).toBe(2);
    expect(store.contentOf(store.findVersion(upload.token)!.version)).toEqual(FOX);
  });

  it('gives a file as the official server does, byte for byte', async () => {
    const { store } = satellite;
    const { version } = storeImage(satellite, FOX);
    const token = '0'.repeat(36);
    store.downloads.set(token, { token, version, lines: 0 });
    const socket = await connected(satellite.transfer.plain);
    socket.write(
      Buffer.concat([hex('44 002a'), Buffer.from(`TOKEN=${token}`), hex('0000 0009'), Buffer.from('RANGE=4:9'), hex('0000')]),
    );
    const answer = hex('0009 52414e47453d343a39 0000 717569636b');
    expect(await heard(socket, answer.length)).toEqual(answer);
    socket.write(hex('0005 444f4e453d 0000'));
    expect(await heard(socket)).toEqual(Buffer.alloc(0));
  });

  it.each([
    [
      'a range beyond the end',
      (token: string) => ['D', token, 'RANGE=0:999'],
      'ERROR=Requested range is larger than file size, aborting.',
    ],
    ['a wrong token', () => ['D', 'nonsense'], ''],
    ['a wrong first byte', (token: string) => ['X', token], ''],
  ])('answers to %s as the official server does', async (_what, said, answer) => {
    const { version } = storeImage(satellite, FOX);
    const token = `token-${Math.random()}`;
    satellite.store.downloads.set(token, { token, version, lines: 0 });
    const [first = '', told = '', ...fields] = said(token);
    const socket = await connected(satellite.transfer.plain);
    socket.write(Buffer.concat([Buffer.from(first), meta(`TOKEN=${told}`), ...(fields.length > 0 ? [meta(...fields)] : [])]));
    expect((await heard(socket)).toString()).toContain(answer);
    socket.destroy();
  });

  it("understands the thrift package's own client", async () => {
    const connection = createConnection('127.0.0.1', satellite.rpc.plain, {
      transport: TFramedTransport,
      protocol: TBinaryProtocol,
    });
    const client = createClient(VersionClient as never, connection) as unknown as VersionClient;
    expect(await Promise.all([client.getVersion(5), client.getVersion(4)])).toEqual([5, 5]);
    connection.end();
  });
});

type Answered = (error: unknown, version: number) => void;

/** What the package's compiler makes of `i64 getVersion(1: i64 clientVersion)`; it is the package that sends and receives. */
class VersionClient {
  readonly _reqs: Record<number, Answered> = {};
  private sequence = 0;

  constructor(
    private readonly output: TTransport,
    private readonly Protocol: new (output: TTransport) => TProtocol,
  ) {}

  getVersion(version: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this._reqs[++this.sequence] = (error, found) => (error ? reject(error) : resolve(found));
      const out = new this.Protocol(this.output);
      out.writeMessageBegin('getVersion', Thrift.MessageType.CALL, this.sequence);
      out.writeFieldBegin('clientVersion', Thrift.Type.I64, 1);
      out.writeI64(version);
      out.writeFieldStop();
      out.writeMessageEnd();
      this.output.flush();
    });
  }

  recv_getVersion(input: TProtocol, type: Thrift.MessageType, sequence: number): void {
    expect(type).toBe(Thrift.MessageType.REPLY);
    expect(input.readFieldBegin()).toMatchObject({ fid: 0, ftype: Thrift.Type.I64 });
    this._reqs[sequence]!(null, input.readI64().toNumber());
  }
}

const meta = (...fields: string[]) =>
  Buffer.concat([...fields.flatMap((field) => [Buffer.from([0, field.length]), Buffer.from(field)]), Buffer.from([0, 0])]);

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** So many bytes, or all until the other side has left. */
async function heard(socket: Socket, count = Infinity): Promise<Buffer> {
  let all: Buffer = Buffer.alloc(0);
  while (all.length < count) {
    const chunk = socket.read() as Buffer | null;
    if (chunk) all = Buffer.concat([all, chunk]);
    else if (socket.readableEnded) break;
    else await Promise.race([once(socket, 'readable'), once(socket, 'end')]);
  }
  return all;
}
