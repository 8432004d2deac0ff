/** Version 00, and later ones as far as they are like it. https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACE_PARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

export interface TraceIds {
  traceId: string;
  spanId: string;
}

/** A `traceparent` that means something, in the form of version 00; undefined for anything else. */
export function readTraceParent(text: unknown): string | undefined {
  const [, version, traceId, spanId, flags, more] = (typeof text === 'string' && TRACE_PARENT.exec(text.trim())) || [];
  if (traceId === undefined || (version === '00' && more !== undefined)) return undefined;
  return traceParentOf({ traceId, spanId: spanId!, isSampled: (parseInt(flags!, 16) & SAMPLED) !== 0 });
}

export function traceParentOf({ traceId, spanId, isSampled }: TraceIds & { isSampled: boolean }): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

/** @param traceParent as `readTraceParent` gives it */
export function traceIdsIn(traceParent: string): TraceIds {
  return { traceId: traceParent.slice(3, 35), spanId: traceParent.slice(36, 52) };
}

/** @param traceParent as `readTraceParent` gives it */
export function isSampled(traceParent: string): boolean {
  return traceParent.endsWith('1');
}
