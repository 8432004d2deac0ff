import { type Job } from '#libs/contracts';
import { bestOf } from '../bodies/accept.js';
import { writeXml } from '../bodies/xml.writer.js';
import { ANSWER_TYPES } from '../http/answer.guard.js';
import { type GatewayReply, type GatewayRequest } from '../http/request.js';

/** Answers 202 with the job that makes what was asked for. The same request tells how it goes on, and in the end brings the bytes. */
export function sendJob(job: Job, request: GatewayRequest, reply: GatewayReply): void {
  // Whoever asks for bytes need not have thought of this answer: any form will do.
  const type = bestOf(request.headers.accept, ANSWER_TYPES) ?? ANSWER_TYPES[0];
  const body = type === 'application/json' ? JSON.stringify(job) : writeXml('Job', job);
  reply
    .code(202)
    .headers({ location: request.url, 'retry-after': String(secondsLeft(job)), vary: 'Accept', 'cache-control': 'no-store' })
    .type(`${type}; charset=utf-8`)
    .send(request.method === 'HEAD' ? '' : body);
}

const DEFAULT_SECONDS = 5;
const MOST_SECONDS = 60;

/** When to ask again: when the job will have ended, as it goes now. */
export function secondsLeft({ bytesDone, bytesTotal, bytesPerSecond }: Job): number {
  if (bytesTotal === null || bytesPerSecond <= 0) return DEFAULT_SECONDS;
  const seconds = Math.ceil((bytesTotal - bytesDone) / bytesPerSecond);
  return Math.min(MOST_SECONDS, Math.max(1, seconds));
}
