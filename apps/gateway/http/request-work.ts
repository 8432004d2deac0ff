import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { beginTrace, beginWork, boundToWork, readTraceParent, withSpan, type Attributes, type Span } from '#libs/observability';
import { statusAtEnd } from './counted-requests.js';
import { type GatewayRequest } from './request.js';

/** What is asked every few seconds: no trace of anybody's, and no line in the log while all is well. */
export const isProbe = (path: string): boolean => /^\/(health|metrics)\b/.test(path);

/**
 * Makes each request a piece of work: what it does, here and in other services, carries its id, and is a trace that goes on where the client's
 * `traceparent` says.
 */
export function workOnRequests(server: FastifyInstance): void {
  server.decorateRequest('atWork', <T>(run: () => T) => run());
  server.addHook('onRequest', (request, reply, done) => {
    const traceParent = readTraceParent(request.headers['traceparent']);
    beginWork({ requestId: request.id, ...(traceParent && { traceParent }) }, () => {
      const span = isProbe(request.url)
        ? undefined
        : beginTrace(spanName(request), { kind: 'server', attributes: spanAttributes(request) }, traceParent);
      // also when the client leaves in the middle of its answer
      if (span) reply.raw.once('close', () => endSpan(span, reply));
      withSpan(span, () => {
        (request as GatewayRequest).atWork = boundToWork((run) => run()) as GatewayRequest['atWork'];
        done();
      });
    });
  });
  // Between these two hooks the body is waited for, by what belongs to the connection.
  server.addHook('preHandler', (request, _reply, done) => (request as GatewayRequest).atWork(done));
}

const spanName = ({ method, routeOptions }: FastifyRequest): string =>
  routeOptions.url === undefined ? method : `${method} ${routeOptions.url}`;

const spanAttributes = ({ id, method, url, protocol, hostname, routeOptions }: FastifyRequest): Attributes => ({
  'http.request.method': method,
  'http.route': routeOptions.url,
  'url.path': url.split('?', 1)[0],
  'url.scheme': protocol,
  'server.address': hostname,
  'vice.request.id': id,
});

function endSpan(span: Span, reply: FastifyReply): void {
  const status = statusAtEnd(reply);
  span.set({ 'http.response.status_code': status });
  if (status >= 500) span.fail(String(status));
  span.end();
}
