import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { type Socket } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { ViceError } from '#libs/errors';
import { traced, type SpanOptions } from '#libs/observability';
import { connectionError, type Peer } from '../connection-errors.js';
import { type EgressPolicy } from '../egress-policy.js';
import { secured } from '../secured.js';
import { CloudRefusal, reasonIn, retryAfterOf } from './cloud-errors.js';
import { sendBody, type Upload } from './upload-body.js';

/** For the whole answer to a question about metadata. */
const ANSWER_MS = 60_000;
/** Without a byte in either direction. */
const STALL_MS = 30_000;
const MAX_ANSWER_BYTES = 32 * 2 ** 20;
const MAX_REFUSAL_BYTES = 64 * 2 ** 10;
const MAX_REDIRECTS = 3;
const EXPECTATION_FAILED = 417;
const REDIRECTS = [301, 302, 303, 307, 308];

export interface CloudRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  /** Who is asked, for messages: "the image service". */
  service: string;
  headers?: Record<string, string>;
  json?: unknown;
  upload?: Upload;
  /** What it makes must not come to be unnoticed: its answer is waited for, also when the session is to end. */
  uninterrupted?: boolean;
}

export interface CloudAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Parsed JSON; undefined where there was none. */
  body: unknown;
}

export interface CloudTrust {
  /** PEM of an authority to trust besides the usual ones. */
  cacert: string | null;
  insecure: boolean;
}

/**
 * HTTP with the services of a cloud. Each connection goes to an address that the egress policy was asked about, also after a redirect, and ends with the
 * session's signal. Raises CloudRefusal for a status that is no success, ViceErrors for what the connection did.
 */
export class CloudHttp {
  private readonly secureContext: SecureContext;
  /** An upload says first what is to come, and is sent when it is asked for: so what refuses it is heard before. Some proxies know nothing of that. */
  private asksBeforeUploads = true;

  constructor(
    private readonly egress: EgressPolicy,
    private readonly trust: CloudTrust,
    readonly signal: AbortSignal,
  ) {
    this.secureContext = secureContext(trust.cacert);
  }

  /** A question that is answered in JSON, or by its status alone. */
  async ask(request: CloudRequest): Promise<CloudAnswer> {
    const limit = request.upload ? this.signal : this.timeLimit(request);
    return this.translated(request, limit, async () => {
      const response = await this.successful(request, limit);
      const text = await textOf(response, MAX_ANSWER_BYTES, request);
      return { status: response.statusCode ?? 0, headers: response.headers, body: parsed(text, response.headers, request) };
    });
  }

  /** An answer whose body is data. It fails as a stream when nothing comes for 30 seconds. */
  async data(request: CloudRequest): Promise<IncomingMessage> {
    return this.translated(request, this.signal, () => this.successful(request, this.signal));
  }

  /** What an error of a stream that `data` gave means. */
  explain(error: unknown, { service, url }: Pick<CloudRequest, 'service' | 'url'>): unknown {
    if (this.signal.aborted) return this.signal.reason;
    return connectionError(error, peer(service, url)) ?? error;
  }

  private timeLimit({ uninterrupted = false }: CloudRequest): AbortSignal {
    this.signal.throwIfAborted();
    const late = AbortSignal.timeout(ANSWER_MS);
    return uninterrupted ? late : AbortSignal.any([this.signal, late]);
  }

  private async translated<T>(request: CloudRequest, limit: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ViceError || error instanceof CloudRefusal) throw error;
      const late = limit.aborted && !this.signal.aborted;
      throw this.explain(late ? Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }) : error, request);
    }
  }

  private async successful(request: CloudRequest, signal: AbortSignal): Promise<IncomingMessage> {
    let { url } = request;
    for (let redirects = 0; ; redirects++) {
      const asked = { ...request, url, headers: headersFor(request, url) };
      const response = await traced(request.method, requestSpan(asked), async (span) => {
        const answer = await this.exchange(asked, signal);
        span.set({ 'http.response.status_code': answer.statusCode });
        return answer;
      });
      const { statusCode: status = 0, headers } = response;
      if (status >= 200 && status <= 300) return response;
      if (status === EXPECTATION_FAILED && this.asksBeforeUploads) {
        response.destroy();
        this.asksBeforeUploads = false;
        continue;
      }
      if (REDIRECTS.includes(status) && headers.location !== undefined) {
        response.destroy();
        url = redirected(request, url, headers.location, redirects);
        continue;
      }
      const said = reasonIn(await textOf(response, MAX_REFUSAL_BYTES, request), status);
      response.destroy();
      throw new CloudRefusal(request.service, status, said, retryAfterOf(headers['retry-after']));
    }
  }

  private async exchange(request: CloudRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { method, url, json, upload } = request;
    const socket = await this.dial(url, signal);
    const text = json === undefined ? undefined : JSON.stringify(json);
    const headers = {
      accept: 'application/json, */*',
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...request.headers,
      host: url.host,
      ...(upload && {
        'content-type': 'application/octet-stream',
        'content-length': upload.length,
        ...(this.asksBeforeUploads && { expect: '100-continue' }),
      }),
    };
    const path = `${url.pathname}${url.search}`;
    const outgoing = httpRequest({ path, method, headers, signal, createConnection: () => socket });
    const answered = new Promise<IncomingMessage>((done, fail) => outgoing.once('response', done).on('error', fail));
    if (upload) void sendBody(outgoing, upload, socket, this.asksBeforeUploads);
    else outgoing.end(text);
    const response = await answered;
    watch(socket, response);
    return response;
  }

  private async dial(url: URL, signal: AbortSignal): Promise<Socket> {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const tls = url.protocol === 'https:';
    const socket = await this.egress.connect(host, Number(url.port) || (tls ? 443 : 80), signal);
    const { secureContext, trust } = this;
    const dialled = tls ? await secured(socket, host, { secureContext, insecure: trust.insecure }, signal) : socket;
    dialled.setTimeout(STALL_MS, () => dialled.destroy(timeout()));
    return dialled;
  }
}

/** A stall is a silence of the service; while we take nothing, it cannot send. */
function watch(socket: Socket, response: IncomingMessage): void {
  socket.removeAllListeners('timeout');
  socket.on('timeout', () => {
    if (response.readableLength >= response.readableHighWaterMark) socket.setTimeout(STALL_MS);
    else socket.destroy(timeout());
  });
}

/** Without the query: what is in it is the service's business. */
const requestSpan = ({ method, url, service }: CloudRequest): SpanOptions => ({
  kind: 'client',
  attributes: {
    'http.request.method': method,
    'url.full': `${url.origin}${url.pathname}`,
    'server.address': url.hostname,
    'peer.service': service,
  },
});

/** A token does not go to another host than the one that was asked. */
function headersFor({ url: asked, headers = {} }: CloudRequest, url: URL): Record<string, string> {
  if (url.origin === asked.origin) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'x-auth-token'));
}

function redirected({ method, service }: CloudRequest, url: URL, location: string, redirects: number): URL {
  const next = URL.canParse(location, url.href) ? new URL(location, url.href) : null;
  if (next && ['http:', 'https:'].includes(next.protocol) && method === 'GET' && redirects < MAX_REDIRECTS) return next;
  throw new ViceError(
    'ENVIRONMENT_MISCONFIGURED',
    `${service} at ${url.origin}${url.pathname} redirects to ${next?.origin ?? 'nowhere'}: give the location that it redirects to`,
  );
}

async function textOf(response: IncomingMessage, maxBytes: number, { service }: CloudRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new ViceError('ENVIRONMENT_FAILED', `the answer of ${service} is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A page of a proxy, with a status of success, is none. */
function parsed(text: string, headers: IncomingHttpHeaders, { service, url }: CloudRequest): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw notJson(service, url, headers, text);
  }
}

function notJson(service: string, url: URL, headers: IncomingHttpHeaders, text: string): ViceError {
  const type = headers['content-type']?.split(';')[0] ?? 'no content type';
  const says = reasonIn(text, 200);
  return new ViceError(
    'ENVIRONMENT_FAILED',
    `what answers at ${url.origin}${url.pathname} as ${service} sends no JSON but ${type}: "${says.slice(0, 120)}"`,
  );
}

function secureContext(cacert: string | null): SecureContext {
  try {
    return createSecureContext(cacert === null ? {} : { ca: [...rootCertificates, cacert] });
  } catch (cause) {
    throw new ViceError('ENVIRONMENT_MISCONFIGURED', 'credentials.specifics.cacert holds no usable certificate', { cause });
  }
}

const peer = (service: string, url: URL): Peer => ({
  name: service,
  kind: 'OpenStack service',
  where: `${url.origin}${url.pathname === '/' ? '' : url.pathname}`,
  authority: 'credentials.specifics.cacert',
  withoutTls: 'use http://',
});

const timeout = () => Object.assign(new Error(`nothing came for ${STALL_MS / 1000} s`), { code: 'ETIMEDOUT' });
