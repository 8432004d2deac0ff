import { readTraceParent, type Trail } from '#libs/observability';

/** How the trail of the work in hand looks as headers of a message; `traceparent` is W3C's. */
const HEADERS = {
  requestId: 'vice-request-id',
  jobId: 'vice-job-id',
  attempt: 'vice-attempt',
  traceParent: 'traceparent',
} as const;

export function headersOf({ requestId, jobId, attempt, traceParent }: Trail): Record<string, string | number> {
  return {
    ...(requestId !== undefined && { [HEADERS.requestId]: requestId }),
    ...(jobId !== undefined && { [HEADERS.jobId]: jobId }),
    ...(attempt !== undefined && { [HEADERS.attempt]: attempt }),
    ...(traceParent !== undefined && { [HEADERS.traceParent]: traceParent }),
  };
}

/** What is not as we write it is left out. */
export function trailIn(headers: Readonly<Record<string, unknown>> = {}): Trail {
  const { [HEADERS.requestId]: requestId, [HEADERS.jobId]: jobId, [HEADERS.attempt]: attempt } = headers;
  const traceParent = readTraceParent(headers[HEADERS.traceParent]);
  return {
    ...(typeof requestId === 'string' && { requestId }),
    ...(typeof jobId === 'string' && { jobId }),
    ...(typeof attempt === 'number' && { attempt }),
    ...(traceParent !== undefined && { traceParent }),
  };
}
