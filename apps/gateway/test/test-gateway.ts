import { readdir } from 'node:fs/promises';
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { BlobLedger, createBlobStore, type BlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import { BlobCalls, loginSecret, UserCalls, type Broadcast, type Call, type User } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { CallClient, createBroker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { tempDir } from '#libs/testing';
import { startGateway } from '../start.js';

export const ADA: User = {
  id: '7f3c0a52-6d1e-4c7a-9b0e-2f1a5d3c8e11',
  username: 'ada',
  email: null,
  fullname: 'Ada Lovelace',
  administrator: false,
};
export const PASSWORD = 'pass:word ü';
export const BASIC = `Basic ${Buffer.from(`ada:${PASSWORD}`).toString('base64')}`;

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
  json(): unknown;
}

export interface AskOptions {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
  /** Without it, ada logs in. */
  anonymous?: boolean;
}

/** A gateway on a free port, with a real blob store, and the calls to other services answered by the test. */
export class TestGateway implements AsyncDisposable {
  readonly box = SecretBox.fromKey(SecretBox.newKey());
  /** Every call in order, as it crossed the broker. */
  readonly asked: { name: string; request: unknown }[] = [];
  /** What it logs, where VICE_LOG_LEVEL is not `silent`, which it is here by default. */
  readonly lines: Record<string, unknown>[] = [];
  url = '';
  blobs!: BlobStore;
  blobFolder = '';
  broadcast!: (message: Broadcast) => Promise<void>;
  private readonly handlers = new Map<string, (request: never) => unknown>();
  private readonly ends: (() => Promise<void>)[] = [];

  static async start(variables: Record<string, string> = {}): Promise<TestGateway> {
    const gateway = new TestGateway();
    const dir = await tempDir();
    gateway.ends.push(() => dir.remove());
    const config = loadConfig('standalone', {
      HOST: '127.0.0.1',
      PORT: '0',
      VICE_DATA_DIR: dir.path,
      VICE_LOG_LEVEL: 'silent',
      ...variables,
    });
    const write = (line: string) => void gateway.lines.push(JSON.parse(line) as Record<string, unknown>);
    const logger = createLogger('test', config.logLevel, { write });
    const secretKey = SecretBox.newKey();
    Object.assign(gateway, {
      box: SecretBox.fromKey(secretKey),
      blobFolder: config.blobStore.kind === 'file' ? config.blobStore.folder : '',
    });
    const broker = await createBroker({ amqpUrl: null, queuePrefix: 'test', logger });
    gateway.ends.push(async () => broker[Symbol.asyncDispose]());
    gateway.broadcast = (message) => broker.broadcast(message);
    gateway.answerWhatNeverChanges();
    for (const service of ['registry', 'import-worker'] as const)
      await broker.serve(service, (name, body) => gateway.handle(name, body));
    gateway.blobs = createBlobStore(config.blobStore, new BlobLedger(new CallClient(broker).ask));
    const started = await startGateway({ config, broker, logger, metrics: new Metrics('test'), secretKey, blobs: gateway.blobs });
    gateway.ends.push(() => started.close());
    gateway.url = started.url;
    return gateway;
  }

  /** From now on a call is answered so. */
  answer<Request, Answer>(call: Call<Request, Answer>, handler: (request: Request) => Answer | Promise<Answer>): this {
    this.handlers.set(call.name, handler as (request: never) => unknown);
    return this;
  }

  /** The requests of one call so far. */
  askedOf<Request, Answer>(call: Call<Request, Answer>): Request[] {
    return this.asked.filter(({ name }) => name === call.name).map(({ request }) => request as Request);
  }

  /** Over a connection of its own, so that nothing of one request can touch the next. */
  ask(path: string, { method = 'GET', headers = {}, body, anonymous }: AskOptions = {}): Promise<HttpAnswer> {
    const all = { ...(!anonymous && { authorization: BASIC }), ...headers };
    return new Promise((resolve, reject) => {
      const outgoing = request(this.url + path, { method, headers: all, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const text = bytes.toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: bytes,
            text,
            json: () => JSON.parse(text) as unknown,
          });
        });
      });
      outgoing.on('error', reject).end(body);
    });
  }

  send(method: 'POST' | 'PUT', path: string, body: unknown, options: AskOptions = {}): Promise<HttpAnswer> {
    const headers = { 'content-type': 'application/json', ...options.headers };
    return this.ask(path, { ...options, method, headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
  }

  /** What is in the staging area of the blob store. */
  async staged(): Promise<string[]> {
    return readdir(`${this.blobFolder}/staging`).catch(() => []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.ends.reverse()) await end();
  }

  private async handle(name: string, body: unknown): Promise<unknown> {
    this.asked.push({ name, request: body });
    const handler = this.handlers.get(name);
    if (!handler) throw new ViceError('INTERNAL', `the test answers no ${name}`);
    return await handler(body as never);
  }

  private answerWhatNeverChanges(): void {
    this.answer(UserCalls.checkKey, () => ({}))
      .answer(UserCalls.authenticate, ({ username, password }) => {
        if (username === 'ada' && this.box.open(password, loginSecret(username)) === PASSWORD) return ADA;
        throw new ViceError('UNAUTHENTICATED', 'username or password is wrong');
      })
      .answer(BlobCalls.reserveSpace, () => ({}))
      .answer(BlobCalls.reserveBlob, () => ({ state: 'reserved' as const }))
      .answer(BlobCalls.pinBlob, () => ({}))
      .answer(BlobCalls.renewHolds, () => ({}))
      .answer(BlobCalls.releaseHold, () => ({}));
  }
}
