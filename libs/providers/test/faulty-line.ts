import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestCloud } from '#libs/testing';

/** What happens to the requests that `to` picks, as often as `times` says. */
export interface Fault {
  /** `GET /v2/images/…/file`: method and path, of the image service where it begins with /v2, else of Keystone. */
  to: RegExp;
  times?: number;
  /** Answered instead of the cloud. */
  answer?: { status: number; headers?: Record<string, string>; body?: string };
  /** After so many bytes of the cloud's answer the connection breaks… */
  breakAfter?: number;
  /** …or falls silent. */
  stallAfter?: number;
  /** The answer of Keystone, changed on its way. */
  edit?: (text: string) => string;
}

/** A line to a real cloud: everything goes through it, because the catalogue that comes along it names the line itself. */
export interface FaultyLine extends AsyncDisposable {
  authUrl: string;
  ca: null;
  /** Every request, as `GET /v2/images/… bytes=5-`. */
  readonly heard: string[];
  fail(fault: Fault): void;
  /** From now on nothing fails. */
  heal(): void;
}

export async function faultyLineTo(cloud: TestCloud): Promise<FaultyLine> {
  const heard: string[] = [];
  const faults: (Fault & { left: number })[] = [];
  const keystone = new URL(cloud.authUrl).origin;
  const listener: RequestListener = (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    heard.push([`${method} ${url}`, headers.range].filter(Boolean).join(' '));
    const fault = faults.find(({ to, left }) => left > 0 && to.test(`${method} ${url}`));
    if (fault) fault.left--;
    if (fault?.answer) return answerInstead(incoming, outgoing, fault.answer);
    const target = new URL(url, url.startsWith('/v2') || url === '/' ? cloud.glanceUrl : keystone);
    const onward = request(target, { method, headers: { ...headers, host: target.host } }, (answer) => {
      void pass(answer, outgoing, fault, (text) =>
        (fault?.edit ?? ((same: string) => same))(text.replaceAll(cloud.glanceUrl, own)),
      );
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  };
  const server = createServer(listener).on('checkContinue', listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    authUrl: `${own}/v3`,
    ca: null,
    heard,
    fail: (fault) => void faults.push({ ...fault, left: fault.times ?? 1 }),
    heal: () => void faults.splice(0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerInstead(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: Required<Fault>['answer'],
) {
  incoming.resume();
  outgoing.writeHead(status, headers).end(body);
}

async function pass(answer: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined, edit: (text: string) => string) {
  const { statusCode = 500, headers } = answer;
  if (headers['content-type']?.startsWith('application/json')) {
    const text = edit((await buffer(answer)).toString());
    outgoing.writeHead(statusCode, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
    return;
  }
  outgoing.writeHead(statusCode, headers);
  let passed = 0;
  const limit = fault?.breakAfter ?? fault?.stallAfter ?? Infinity;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    passed += chunk.length;
    if (passed < limit) {
      outgoing.write(chunk);
      continue;
    }
    outgoing.write(chunk.subarray(0, chunk.length - (passed - limit)));
    answer.destroy();
    if (fault?.breakAfter !== undefined) outgoing.destroy();
    return;
  }
  outgoing.end();
}
