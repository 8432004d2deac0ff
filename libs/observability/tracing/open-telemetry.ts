import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as OtelSpan,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';
import { ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import { ViceError } from '#libs/errors';
import { type Logger } from '../logger.js';
import { withoutSecrets } from '../secrets/without-secrets.js';
import { QuietExporter } from './quiet-exporter.js';
import { type Attributes, type Span, type SpanOptions, type Tracer } from './span.js';
import { isSampled, traceIdsIn, traceParentOf } from './trace-parent.js';
import { type SamplerName, type TracingOptions } from './tracing.js';

/** How long a stopping service waits for its last spans to be taken. */
const LAST_SPANS_MS = 3_000;

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/**
 * Spans by OpenTelemetry, sent as OTLP over HTTP. Its own context is not used: what a span belongs to is said by the work in hand. This file, and
 * with it all of OpenTelemetry, is loaded only where tracing is on.
 */
export class OpenTelemetryTracer implements Tracer {
  private readonly provider: BasicTracerProvider;
  private readonly tracer;

  constructor({ endpoint, headers, serviceName, sampler, ratio }: TracingOptions, logger: Logger) {
    const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
    const exporter = new QuietExporter(new OTLPTraceExporter({ url, headers: { ...headers } }), logger);
    const resource = defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ [ATTR_SERVICE_NAME]: serviceName }));
    this.provider = new BasicTracerProvider({
      resource,
      sampler: samplerOf(sampler, ratio),
      spanProcessors: [new BatchSpanProcessor(exporter)],
    });
    this.tracer = this.provider.getTracer('vice');
  }

  begin(
    name: string,
    { kind = 'internal', attributes = {} }: SpanOptions,
    parent: { span: Span } | { traceParent: string } | undefined,
  ): Span {
    const span = this.tracer.startSpan(name, { kind: KINDS[kind], attributes: clean(attributes) }, contextOf(parent));
    return new SpanOfOpenTelemetry(span, kind === 'server');
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, LAST_SPANS_MS)));
    await Promise.race([this.provider.shutdown().catch(() => undefined), late]);
    clearTimeout(timer);
  }
}

class SpanOfOpenTelemetry implements Span {
  readonly traceParent: string;

  constructor(
    readonly inner: OtelSpan,
    private readonly isAnswer: boolean,
  ) {
    const { traceId, spanId, traceFlags } = inner.spanContext();
    this.traceParent = traceParentOf({ traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
  }

  set(attributes: Attributes): void {
    this.inner.setAttributes(clean(attributes));
  }

  rename(name: string): void {
    this.inner.updateName(name);
  }

  /** A refusal that the asker has to answer for is no fault of who gave it. */
  fail(error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: String(error), message: String(error) };
    this.inner.setAttribute('error.type', error instanceof ViceError ? error.code : name);
    if (this.isAnswer && error instanceof ViceError && error.status < 500) return;
    this.inner.setStatus({ code: SpanStatusCode.ERROR, message: withoutSecrets(message) });
  }

  end(): void {
    this.inner.end();
  }
}

function contextOf(parent: { span: Span } | { traceParent: string } | undefined): Context {
  if (!parent) return ROOT_CONTEXT;
  if ('span' in parent)
    return parent.span instanceof SpanOfOpenTelemetry ? trace.setSpan(ROOT_CONTEXT, parent.span.inner) : ROOT_CONTEXT;
  const traceFlags = isSampled(parent.traceParent) ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { ...traceIdsIn(parent.traceParent), traceFlags, isRemote: true });
}

const clean = (attributes: Attributes) =>
  Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, typeof value === 'string' ? withoutSecrets(value) : value]),
  );

function samplerOf(name: SamplerName, ratio: number): Sampler {
  const [, parentBased, own] = /^(parentbased_)?(.*)$/.exec(name) ?? [];
  const root =
    own === 'always_on'
      ? new AlwaysOnSampler()
      : own === 'always_off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return parentBased === undefined ? root : new ParentBasedSampler({ root });
}
