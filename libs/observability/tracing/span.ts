export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** One step of a trace. Where tracing is off, all of it does nothing. */
export interface Span {
  /** W3C `traceparent`, by which another process goes on. */
  readonly traceParent: string;
  set(attributes: Attributes): void;
  rename(name: string): void;
  /** The step went wrong. @param error what was raised, or a word for it */
  fail(error: unknown): void;
  end(): void;
}

export interface SpanOptions {
  /** What it is to the other side; `internal` by default. */
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  attributes?: Attributes;
}

/** Makes spans. */
export interface Tracer {
  /** @param parent where it is absent, a trace begins */
  begin(name: string, options: SpanOptions, parent: { span: Span } | { traceParent: string } | undefined): Span;
  /** Sends what has ended and was not sent yet; never rejects. */
  close(): Promise<void>;
}
