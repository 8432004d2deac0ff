import { type EnvironmentReader } from './environment-reader.js';

/** Where traces go; as OpenTelemetry's specification names and means its variables. */
export interface TracesConfig {
  /** Base URL of an OTLP receiver over HTTP. */
  readonly endpoint: string;
  /** Sent with every request to it. Secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly sampler: (typeof SAMPLERS)[number];
  /** From 0 to 1; of samplers by ratio. */
  readonly ratio: number;
}

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** null: tracing is off. */
export function tracesConfig(read: EnvironmentReader, app: string): TracesConfig | null {
  const isDisabled = read.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true';
  if (isDisabled || read.text('OTEL_EXPORTER_OTLP_ENDPOINT') === null) return null;
  return {
    endpoint: read.url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:']) ?? '',
    headers: headers(read),
    serviceName: read.text('OTEL_SERVICE_NAME') ?? `vice-${app}`,
    sampler: read.oneOf('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on'),
    ratio: ratio(read),
  };
}

/** `name=value,name=value`, values percent-encoded. They are secrets, so a fault does not repeat them. */
function headers(read: EnvironmentReader): Record<string, string> {
  const name = 'OTEL_EXPORTER_OTLP_HEADERS';
  const pairs = read.list(name, []).map((pair) => /^([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*)$/.exec(pair));
  const fault = `${name} must be name=value pairs, comma-separated, with percent-encoded values`;
  try {
    return Object.fromEntries(
      pairs.map((pair) => {
        if (!pair) throw new Error(fault);
        return [pair[1]!, decodeURIComponent(pair[2]!)];
      }),
    );
  } catch {
    read.fault(fault);
    return {};
  }
}

function ratio(read: EnvironmentReader): number {
  const text = read.text('OTEL_TRACES_SAMPLER_ARG');
  const value = Number(text ?? 1);
  if (value >= 0 && value <= 1) return value;
  read.fault(`OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, and is "${text}"`);
  return 1;
}
