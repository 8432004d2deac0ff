import { randomUUID } from 'node:crypto';
import { type IncomingMessage } from 'node:http';

const SENSIBLE = /^[\w.:-]{1,128}$/;

/** The client's `X-Request-Id`, where it is one that can be put into a log line as it is; otherwise a new one. */
export function requestId(request: Pick<IncomingMessage, 'headers'>): string {
  const sent = request.headers['x-request-id'];
  return typeof sent === 'string' && SENSIBLE.test(sent) ? sent : randomUUID();
}
