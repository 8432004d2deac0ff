import { type JobMessage, type JobQueue } from '#libs/contracts';
import { type SpanOptions } from '#libs/observability';

const SENDS = { operation: 'publish', type: 'send' };
const PROCESSES = { operation: 'process', type: 'process' };

/** Name and nature of the span of a job's message: where it is published, and where the job is worked on. */
export function jobSpan(
  kind: 'producer' | 'consumer',
  queue: JobQueue,
  { jobId, attempt, requestId }: JobMessage,
): [name: string, options: SpanOptions] {
  const { operation, type } = kind === 'producer' ? SENDS : PROCESSES;
  const attributes = {
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name': queue,
    'vice.job.id': jobId,
    'vice.job.attempt': attempt,
    'vice.request.id': requestId,
  };
  return [`${operation} ${queue}`, { kind, attributes }];
}
