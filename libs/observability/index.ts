export { Degraded, HealthModule, type HealthChecks } from './health.module.js';
export { endWithLastWords } from './last-words.js';
export { createLogger, uncheckedLogger, type Logger } from './logger.js';
export { BLOB_CLASSES, type BlobClass, type BlobsNow } from './metrics/blobs.metrics.js';
export { type BlobSpace } from './metrics/blob-space.metrics.js';
export { type AttemptOutcome, type LiveJobs } from './metrics/jobs.metrics.js';
export { Metrics, metricLabels, metricNames } from './metrics/metrics.js';
export { MetricsModule } from './metrics/metrics.module.js';
export { type OutboxNow } from './metrics/outbox.metrics.js';
export { type QueuesNow } from './metrics/queue.metrics.js';
export { ViceNestLogger } from './nest-logger.js';
export { neverLog, passwordsIn, withoutSecrets, withoutSecretsInHand } from './secrets/without-secrets.js';
export { type Attributes, type Span, type SpanOptions } from './tracing/span.js';
export { readTraceParent } from './tracing/trace-parent.js';
export { tracedMethods } from './tracing/traced-methods.js';
export {
  beginSpan,
  beginTrace,
  startTracing,
  traced,
  tracedFrom,
  untraced,
  withSpan,
  type SpanStep,
  type Tracing,
  type TracingOptions,
} from './tracing/tracing.js';
export { beginWork, boundToWork, currentTrail, keepFromLogs, outsideWork, withinWork, type Trail } from './work.js';
