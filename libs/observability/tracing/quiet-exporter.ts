import { type OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { type Logger } from '../logger.js';
import { outsideWork } from '../work.js';

type Result = Parameters<Parameters<OTLPTraceExporter['export']>[1]>[0];

/** As @opentelemetry/core has it, which is not a package of ours. */
const SUCCESS = 0;
const SAY_AGAIN_MS = 60_000;

/** Sends spans, and says at most once a minute that it cannot: whoever is traced never hears of it. */
export class QuietExporter implements SpanExporter {
  private lost = 0;
  private saidAt = -Infinity;

  constructor(
    private readonly inner: OTLPTraceExporter,
    private readonly logger: Logger,
  ) {}

  export(spans: ReadableSpan[], done: (result: Result) => void): void {
    this.inner.export(spans, (result) => {
      if (result.code !== SUCCESS) this.failed(spans.length, result.error);
      done({ code: SUCCESS });
    });
  }

  forceFlush(): Promise<void> {
    return this.inner.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown();
  }

  private failed(spans: number, error: Error | undefined): void {
    this.lost += spans;
    if (performance.now() - this.saidAt < SAY_AGAIN_MS) return;
    // The spans are those of many requests, not of the one at hand.
    const lost = { spans: this.lost, reason: error?.message };
    outsideWork(() => this.logger.warn(lost, 'traces could not be sent; these spans are lost'));
    this.saidAt = performance.now();
    this.lost = 0;
  }
}
