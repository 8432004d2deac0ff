import { type Logger } from '../logger.js';
import { currentParent, withinWork } from '../work.js';
import { type Span, type SpanOptions, type Tracer } from './span.js';

/** Where traces go, and how many of them. */
export interface TracingOptions {
  /** Base URL of an OTLP receiver over HTTP; traces go to its `/v1/traces`. */
  endpoint: string;
  /** Sent with every request to it; often a secret. */
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  sampler: SamplerName;
  /** Of the traces that begin here, from 0 to 1; for samplers by ratio. */
  ratio: number;
}

export type SamplerName =
  'always_on' | 'always_off' | 'traceidratio' | 'parentbased_always_on' | 'parentbased_always_off' | 'parentbased_traceidratio';

const SILENT: Span = { traceParent: '', set: () => {}, rename: () => {}, fail: () => {}, end: () => {} };

/** Of this process; null while tracing is off. */
let tracer: Tracer | null = null;

/** Name and nature of a span. */
export type SpanStep = [name: string, options?: SpanOptions];

export interface Tracing {
  /** Sends what is left, as far as that is done in a moment. */
  close(): Promise<void>;
}

/** Turns tracing on where it is configured; else nothing of it is even loaded. */
export async function startTracing(options: TracingOptions | null, logger: Logger): Promise<Tracing> {
  if (options === null) return { close: async () => undefined };
  const { OpenTelemetryTracer } = await import('./open-telemetry.js');
  const started = new OpenTelemetryTracer(options, logger);
  tracer = started;
  return {
    close: async () => {
      if (tracer === started) tracer = null;
      await started.close();
    },
  };
}

/** Begins a trace, or goes on with one that came from elsewhere; to be ended by whoever begins it. Undefined while tracing is off. */
export function beginTrace(name: string, options: SpanOptions, traceParent?: string): Span | undefined {
  return tracer?.begin(name, options, traceParent === undefined ? undefined : { traceParent });
}

/** A step within a trace; to be ended by whoever begins it. Undefined where there is no trace, or tracing is off. */
export function beginSpan(name: string, options: SpanOptions = {}): Span | undefined {
  const parent = tracer && currentParent();
  return parent ? tracer?.begin(name, options, parent) : undefined;
}

/** Runs a step within the trace in hand; where there is none, runs it as it is. */
export async function traced<T>(name: string, options: SpanOptions, run: (span: Span) => Promise<T>): Promise<T> {
  const span = beginSpan(name, options);
  return span ? withinSpan(span, run) : run(SILENT);
}

/** Runs the first step of a trace, or of what goes on with one that came from elsewhere. */
export async function tracedFrom<T>(
  traceParent: string | undefined,
  name: string,
  options: SpanOptions,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  const span = beginTrace(name, options, traceParent);
  return span ? withinSpan(span, run) : run(SILENT);
}

/** Has what happens within belong to the span. It is ended by whoever began it. */
export function withSpan<T>(span: Span | undefined, run: () => T): T {
  return span ? withinWork({ span, traceParent: span.traceParent }, run) : run();
}

/** What is of no interest to the trace: it still carries the work's name in the logs. */
export function untraced<T>(run: () => T): T {
  return tracer ? withinWork({ span: undefined, traceParent: undefined }, run) : run();
}

async function withinSpan<T>(span: Span, run: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await withSpan(span, () => run(span));
  } catch (error) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
  }
}
