import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Metrics } from '#libs/observability';

type HttpMetrics = Metrics['http'];

/** What nginx says of those whose client left before there was an answer. */
const CLIENT_LEFT = 499;
/** Routes that catch what nothing else does. */
const CATCH_ALL = new Set(['*', '/*']);
/** A scrape is not under way for its own sake. */
const UNSEEN = '/metrics';

/** Counts every request that finds its way into Fastify, when its answer is out or the client has left. */
export function countRequests(server: FastifyInstance, metrics: HttpMetrics): void {
  server.addHook('onRequest', (request, reply, done) => {
    countRequest(request, reply, metrics);
    done();
  });
}

/** For one that hooks don't see. */
export function countRequest(request: FastifyRequest, reply: FastifyReply, metrics: HttpMetrics): void {
  const began = performance.now();
  const { method } = request;
  const route = patternOf(request);
  const isSeen = route !== UNSEEN;
  if (isSeen) metrics.began();
  // Fastify has no word for a client that leaves in the middle of its answer; the response closes in any case.
  reply.raw.once('close', () => {
    if (isSeen) metrics.ended();
    metrics.answered(method, route, statusAtEnd(reply), (performance.now() - began) / 1000);
  });
}

/** When the response has closed. */
export const statusAtEnd = ({ raw }: FastifyReply): number => (raw.headersSent ? raw.statusCode : CLIENT_LEFT);

function patternOf({ routeOptions: { url } }: FastifyRequest): string | undefined {
  return url === undefined || CATCH_ALL.has(url) ? undefined : url;
}
