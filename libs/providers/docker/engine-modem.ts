import { request, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { stringify } from 'node:querystring';
import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { traced, type SpanOptions } from '#libs/observability';
import { type EngineConnection } from './engine.connection.js';
import { EngineAnswer } from './engine-errors.js';

/** For the answer to a question. */
const ANSWER_MS = 60_000;
/** Other work may be silent that long: an engine packs a large image before its first byte, and unpacks one before its answer. */
const IDLE_MS = 600_000;
const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const MAX_ERROR_BYTES = 64 * 2 ** 10;

/** What dockerode asks its modem for. */
interface DialOptions {
  /** Ends in `?` where `options` belong into the query. */
  path: string;
  method?: string;
  options?: Record<string, unknown> & { _query?: Record<string, unknown>; _body?: unknown };
  file?: Readable;
  isStream?: boolean;
}

/**
 * What dockerode speaks through. Its own modem takes `DOCKER_*` variables for defaults, follows redirects to wherever they lead, and holds answers of
 * any size; this one does none of it, and every request goes through the session's connection and ends with its signal.
 * Raises EngineAnswer for a status that is no success, and the errors of the connection.
 */
export class EngineModem {
  /** dockerode sets it. */
  Promise = Promise;

  constructor(
    private readonly connection: EngineConnection,
    private readonly signal: AbortSignal,
  ) {}

  dial(options: DialOptions, callback: (error: unknown, answer?: unknown) => void): void {
    this.send(options).then(
      (answer) => callback(null, answer),
      (error) => callback(this.signal.aborted ? this.signal.reason : error),
    );
  }

  private async send({ path, method = 'GET', options = {}, file, isStream = false }: DialOptions): Promise<unknown> {
    const limited = isStream || method !== 'GET' ? this.signal : AbortSignal.any([this.signal, AbortSignal.timeout(ANSWER_MS)]);
    try {
      const url = path.endsWith('?') ? path + query(options._query ?? options) : path;
      const response = await traced(method, requestSpan(method, path, this.connection.host), async (span) => {
        const answer = await this.exchange(url, method, options._body ?? options, file, limited);
        span.set({ 'http.response.status_code': answer.statusCode });
        return answer;
      });
      if (isStream) return response;
      return parsed(await body(response, MAX_ANSWER_BYTES));
    } catch (error) {
      file?.destroy();
      if (limited.aborted && !this.signal.aborted)
        throw Object.assign(new Error('no answer in time', { cause: error }), { code: 'ETIMEDOUT' });
      throw error;
    }
  }

  private async exchange(
    path: string,
    method: string,
    json: unknown,
    file: Readable | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const socket = await this.connection.dial(signal);
    if (socket instanceof Socket)
      socket.setTimeout(IDLE_MS, () => socket.destroy(Object.assign(new Error('idle'), { code: 'ETIMEDOUT' })));
    const text = method === 'POST' && !file ? JSON.stringify(json) : undefined;
    const headers = {
      host: this.connection.host,
      ...(file && { 'content-type': 'application/x-tar' }),
      ...(text && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    const outgoing = request({ path, method, headers, signal, createConnection: () => socket });
    const answered = new Promise<IncomingMessage>((done, fail) => outgoing.once('response', done).on('error', fail));
    // An engine that refuses answers before it has read everything: then its answer counts, not the broken pipe.
    if (file) pipeline(file, outgoing).catch((error) => outgoing.destroy(error));
    else outgoing.end(text);
    const response = await answered;
    const { statusCode: status = 0 } = response;
    if (status >= 200 && status < 300) return response;
    const refusal = await body(response, MAX_ERROR_BYTES);
    outgoing.destroy();
    const retryAfter = Number(response.headers['retry-after']) || undefined;
    throw new EngineAnswer(status, messageIn(refusal) || `HTTP status ${status}`, { retryAfter });
  }
}

/** Without the query. */
const requestSpan = (method: string, path: string, host: string): SpanOptions => ({
  kind: 'client',
  attributes: {
    'http.request.method': method,
    'url.path': path.split('?', 1)[0],
    'server.address': host,
    'peer.service': 'docker',
  },
});

function query(options: Record<string, unknown>): string {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  const flat = entries.map(([key, value]) => [
    key,
    typeof value === 'object' && !Array.isArray(value) ? JSON.stringify(value) : value,
  ]);
  return stringify(Object.fromEntries(flat));
}

async function body(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new EngineAnswer(502, `its answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function messageIn(text: string): string {
  const answer = parsed(text);
  const message = typeof answer === 'object' && answer !== null && 'message' in answer ? answer.message : answer;
  return typeof message === 'string' ? message.trim().slice(0, 1000) : '';
}
