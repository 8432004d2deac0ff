import { AsyncLocalStorage } from 'node:async_hooks';
import { type Span } from './tracing/span.js';
import { traceIdsIn } from './tracing/trace-parent.js';

/** What names the work in hand where it crosses to another process: the request that caused it, the job, the span that goes on there. */
export interface Trail {
  requestId?: string;
  jobId?: string;
  attempt?: number;
  /** W3C `traceparent`. */
  traceParent?: string;
}

interface Work extends Trail {
  /** The span that is open here; absent where the trace comes from elsewhere, or there is none. */
  span?: Span;
  /** Values that must not be written, as long as this work goes on. */
  secrets: Set<string>;
}

const inHand = new AsyncLocalStorage<Work>();

/** Runs a request, a call or a job: what it awaits and logs carries the trail, and nothing of what surrounds it here. */
export function beginWork<T>(trail: Trail, run: () => T): T {
  return inHand.run({ ...trail, secrets: new Set() }, run);
}

/** The same work, with another name or span for what happens within. */
export function withinWork<T>(change: Partial<Omit<Work, 'secrets'>>, run: () => T): T {
  const work = inHand.getStore();
  return inHand.run({ ...work, ...change, secrets: work?.secrets ?? new Set() }, run);
}

/** Runs what serves all and not only the work that happened to start it. */
export function outsideWork<T>(run: () => T): T {
  return inHand.exit(run);
}

/** To go on elsewhere, or later, with the work in hand. Empty where there is none. */
export function currentTrail(): Trail {
  const { requestId, jobId, attempt, traceParent } = inHand.getStore() ?? {};
  return {
    ...(requestId !== undefined && { requestId }),
    ...(jobId !== undefined && { jobId, attempt }),
    ...(traceParent !== undefined && { traceParent }),
  };
}

/** Binds a function to the work in hand: for callbacks of what belongs to no work, or to another. */
export function boundToWork<A extends unknown[], T>(run: (...args: A) => T): (...args: A) => T {
  return AsyncLocalStorage.bind(run);
}

/** Takes care that none of these is written while the work in hand goes on, whoever says it. */
export function keepFromLogs(values: Iterable<string>): void {
  const secrets = inHand.getStore()?.secrets;
  if (secrets) for (const value of values) secrets.add(value);
}

export function secretsInHand(): ReadonlySet<string> {
  return inHand.getStore()?.secrets ?? NO_SECRETS;
}

const NO_SECRETS: ReadonlySet<string> = new Set();

/** The parent of a span that is to begin: one that is open here, or one from elsewhere. */
export function currentParent(): { span: Span } | { traceParent: string } | undefined {
  const { span, traceParent } = inHand.getStore() ?? {};
  if (span) return { span };
  return traceParent === undefined ? undefined : { traceParent };
}

/** What every log line says of the work in hand. */
export function workFields(): Record<string, unknown> {
  const work = inHand.getStore();
  if (!work) return {};
  const { requestId, jobId, attempt, span } = work;
  return { requestId, jobId, attempt, ...(span && traceIdsIn(span.traceParent)) };
}
