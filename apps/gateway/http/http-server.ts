import { maxHeaderSize, STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ViceError } from '#libs/errors';
import { uncheckedLogger, withoutSecrets, type Logger, type Metrics } from '#libs/observability';
import { MAX_BODY_BYTES } from '../bodies/raw-body.js';
import { countRequest, countRequests, statusAtEnd } from './counted-requests.js';
import { problemOf } from './problem.js';
import { requestId } from './request-id.js';
import { isProbe, workOnRequests } from './request-work.js';
import { type GatewayRequest } from './request.js';

/** A connection on which nothing moves for that long is closed: an upload that stopped holds space. */
const IDLE_MS = 5 * 60_000;
/** How long a client may go on sending a body that was refused. */
const LINGER_MS = 30_000;
/** A username of 128 characters, each of which takes up to 12 in a path. */
const LONGEST_PARAMETER = 128 * 12;
const UPLOAD_PATH = /^\/v1\/image\/[^/]+\/file$/;

/** Fastify as this API needs it: request ids, one log line per request, bodies collected unparsed, refused uploads ended gently. */
export function httpServer(logger: Logger, metrics: Metrics): FastifyAdapter {
  const adapter = new FastifyAdapter({
    logger: false,
    genReqId: requestId,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    connectionTimeout: IDLE_MS,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (_error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
      countRequest(request, reply, metrics.http);
      sendProblem(reply, new ViceError('NOT_FOUND', 'there is nothing at this path'));
    },
    clientErrorHandler: (error, socket) => {
      const status = answerUnreadable(error, socket);
      if (status !== null) metrics.http.answered('', undefined, status, 0);
    },
  });
  const server = adapter.getInstance();
  server.decorateRequest('user', null);
  holdBackContinue(server);
  countRequests(server, metrics.http);
  const requestLog = uncheckedLogger(logger);
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.raw.once('close', () => (request as GatewayRequest).atWork(() => logRequest(requestLog, request, reply)));
  });
  workOnRequests(server);
  server.addHook('onResponse', async (request) => {
    if (!request.raw.complete) endRefusedBody(request.raw);
  });
  return adapter;
}

/**
 * A client that asks first (`Expect: 100-continue`) is told to go on at once, but for an upload: there the login and the image are looked at
 * before, and a refusal costs no byte.
 */
function holdBackContinue(server: FastifyInstance): void {
  server.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (!UPLOAD_PATH.test(request.url ?? '')) response.writeContinue();
    server.server.emit('request', request, response);
  });
}

function logRequest(logger: Logger, request: FastifyRequest, reply: FastifyReply): void {
  const { method, url } = request;
  const path = withoutSecrets(url.split('?', 1)[0]!);
  const ms = Math.round(reply.elapsedTime * 10) / 10;
  const aborted = reply.raw.writableFinished ? undefined : true;
  const userId = (request as GatewayRequest).user?.id;
  const status = statusAtEnd(reply);
  const level = isProbe(path) && status < 400 ? 'debug' : 'info';
  logger[level]({ method, path, status, ms, userId, aborted }, 'request');
}

/** Reads and drops what still comes, so that the client gets to read its answer; but not for ever. */
function endRefusedBody(request: IncomingMessage): void {
  if (request.destroyed) return;
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), LINGER_MS).unref();
  request.once('close', () => clearTimeout(timer));
}

function sendProblem(reply: FastifyReply, error: ViceError): void {
  reply
    .code(error.status)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(error)));
}

/** What could not even be read as HTTP. Answers with which status; null: with none. */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): number | null {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return null;
  }
  const reason = unreadable(error.code);
  const body = JSON.stringify(problemOf(reason));
  const head = `HTTP/1.1 ${reason.status} ${STATUS_CODES[reason.status]}\r\nContent-Type: application/problem+json`;
  socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`);
  return reason.status;
}

/** @param code Node's, of what its parser found */
function unreadable(code: string | undefined): ViceError {
  if (code === 'HPE_HEADER_OVERFLOW')
    return new ViceError('HEADERS_TOO_LARGE', `the headers have more than ${maxHeaderSize} bytes`);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ViceError('REQUEST_TOO_SLOW', 'the request took too long to come in');
  return new ViceError('MALFORMED_REQUEST', 'the request is not well-formed HTTP');
}
