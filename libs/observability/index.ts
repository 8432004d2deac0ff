export { Degraded, HealthModule, type HealthChecks } from './health.module.js';
export { endWithLastWords } from './last-words.js';
export { createLogger, uncheckedLogger, type Logger } from './logger.js';
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
