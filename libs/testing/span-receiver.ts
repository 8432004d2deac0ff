import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const ERROR = 2;

/** A span as it was received. */
export interface ReceivedSpan {
  service: string;
  name: string;
  kind: (typeof KINDS)[number];
  traceId: string;
  spanId: string;
  /** Empty where the trace begins with it. */
  parentSpanId: string;
  attributes: Record<string, unknown>;
  failed: boolean;
  /** Milliseconds. */
  ms: number;
}

/** A receiver of OTLP over HTTP, as a collector of traces has it, that keeps what it is sent. */
export interface SpanReceiver extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  url: string;
  spans(): ReceivedSpan[];
  /** Of one trace. */
  trace(traceId: string): ReceivedSpan[];
  /** The names of the spans around one, the nearest first. */
  around(span: ReceivedSpan): string[];
  /** All that was sent, as text. */
  text(): string;
  /** Of each request: its path, and its headers. */
  requests: { path: string; headers: IncomingMessage['headers'] }[];
}

interface Value {
  stringValue?: string;
  intValue?: number | string;
  doubleValue?: number;
  boolValue?: boolean;
}

interface KeyValue {
  key: string;
  value: Value;
}

interface ExportRequest {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: {
      spans: {
        name: string;
        kind: number;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        attributes: KeyValue[];
        status?: { code?: number };
        startTimeUnixNano: string;
        endTimeUnixNano: string;
      }[];
    }[];
  }[];
}

/** @param status what it answers */
export async function startSpanReceiver({ status = 200 }: { status?: number } = {}): Promise<SpanReceiver> {
  const received: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const requests: SpanReceiver['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      requests.push({ path: request.url ?? '', headers: request.headers });
      bodies.push(body);
      if (status === 200) received.push(...spansIn(JSON.parse(body) as ExportRequest));
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const around = (span: ReceivedSpan): string[] => {
    const outer = received.find(({ spanId }) => spanId === span.parentSpanId);
    return outer ? [outer.name, ...around(outer)] : [];
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: () => [...received],
    trace: (traceId) => received.filter((span) => span.traceId === traceId),
    around,
    text: () => bodies.join('\n'),
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function spansIn({ resourceSpans }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(attributesIn(resource.attributes)['service.name']);
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        name: span.name,
        kind: KINDS[span.kind] ?? 'unspecified',
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? '',
        attributes: attributesIn(span.attributes),
        failed: span.status?.code === ERROR,
        ms: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
      })),
    );
  });
}

const attributesIn = (list: KeyValue[]): Record<string, unknown> =>
  Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]]));
