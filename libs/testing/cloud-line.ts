import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type TestCloud } from './clouds.js';

/** What happens to the requests that `to` picks, as often as `times` says (once). */
export interface Fault {
  /** Of method and path: `GET /v2/images/…/file` of the image service, `POST /v3/auth/tokens` of Keystone. */
  to: RegExp;
  times?: number;
  /** Answered instead of the cloud. */
  answer?: { status: number; headers?: Record<string, string>; body?: string };
  /** After so many bytes of the cloud's answer the connection breaks. */
  breakAfter?: number;
  /** After so many bytes of data, in either direction, nothing more goes through until it is let go. */
  holdAfter?: number;
  /** The answer of Keystone, changed on its way. */
  edit?: (text: string) => string;
}

/** A line to a real cloud that fails as a test wants it. All goes through it, because the catalogue that comes along it names the line itself. */
export interface CloudLine extends AsyncDisposable {
  authUrl: string;
  ca: null;
  /** Every request, as `GET /v2/images/… bytes=5-`. */
  readonly heard: string[];
  fail(fault: Fault): void;
  /** What was held goes on. */
  letGo(): void;
  /** What was held goes on, and nothing fails from now on. */
  heal(): void;
}

/** @param cloud one without TLS */
export async function lineToCloud(cloud: TestCloud): Promise<CloudLine> {
  const heard: string[] = [];
  const held: (() => void)[] = [];
  const faults: (Fault & { left: number })[] = [];
  const keystone = new URL(cloud.authUrl).origin;

  const listener: RequestListener = (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    heard.push([`${method} ${url}`, headers.range].filter(Boolean).join(' '));
    const fault = faults.find(({ to, left }) => left > 0 && to.test(`${method} ${url}`));
    if (fault) fault.left--;
    if (fault?.answer) return answerInstead(incoming, outgoing, fault.answer);
    if (headers.expect !== undefined) outgoing.writeContinue();
    const target = new URL(url, url.startsWith('/v2') || url === '/' ? cloud.glanceUrl : keystone);
    const passedOn = { ...headers, host: target.host };
    delete passedOn.expect;
    const onward = request(target, { method, headers: passedOn });
    onward.on('response', (answer) => {
      const edit = (text: string) => (fault?.edit ?? same)(text.replaceAll(cloud.glanceUrl, own));
      pass(answer, outgoing, gate(fault, held), edit).catch(() => outgoing.destroy());
    });
    outgoing.on('close', () => onward.destroy());
    pipeline(incoming, gate({ holdAfter: fault?.holdAfter }, held), onward).catch(() => outgoing.destroy());
  };
  const server = createServer(listener).on('checkContinue', listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const letGo = () => held.splice(0).forEach((go) => go());
  return {
    authUrl: `${own}/v3`,
    ca: null,
    heard,
    fail: (fault) => void faults.push({ ...fault, left: fault.times ?? 1 }),
    letGo,
    heal: () => (faults.splice(0), letGo()),
    async [Symbol.asyncDispose]() {
      letGo();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const same = (text: string) => text;

function answerInstead(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: NonNullable<Fault['answer']>,
): void {
  incoming.resume();
  outgoing.writeHead(status, headers).end(body);
}

async function pass(answer: IncomingMessage, outgoing: ServerResponse, through: Transform, edit: (text: string) => string) {
  const { statusCode = 500, headers } = answer;
  if (headers['content-type']?.startsWith('application/json')) {
    const text = edit((await buffer(answer)).toString());
    outgoing.writeHead(statusCode, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
    return;
  }
  outgoing.writeHead(statusCode, headers);
  await pipeline(answer, through, outgoing);
}

/** Lets bytes through as far as the fault says. */
function gate({ breakAfter = Infinity, holdAfter = Infinity }: Partial<Fault> = {}, held: (() => void)[]): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const before = passed;
      passed += chunk.length;
      if (passed > breakAfter) {
        this.push(chunk.subarray(0, breakAfter - before));
        setImmediate(() => done(new Error('the line breaks')));
      } else if (before <= holdAfter && passed > holdAfter) held.push(() => done(null, chunk));
      else done(null, chunk);
    },
  });
}
