/** A service that answers calls. */
export type ServiceName = 'registry' | 'import-worker';

/**
 * A typed question to a service. Client and handler take their types from this one declaration;
 * `Request` and `Answer` are plain JSON. The two type-only members exist in no object.
 */
export interface Call<Request, Answer> {
  readonly service: ServiceName;
  readonly name: string;
  readonly __request?: Request;
  readonly __answer?: Answer;
}

export type RequestOf<C extends Call<unknown, unknown>> = NonNullable<C['__request']>;
export type AnswerOf<C extends Call<unknown, unknown>> = NonNullable<C['__answer']>;

/** Asks a service and gives its answer; raises the ViceError that the handler raised, or UNAVAILABLE at the deadline. */
export type Ask = <Request, Answer>(call: Call<Request, Answer>, request: Request) => Promise<Answer>;

export function callTo<Request, Answer>(service: ServiceName, name: string): Call<Request, Answer> {
  return { service, name };
}

/** A secret as AES-256-GCM sealed it: text that only the libs/secrets of a service with the same key can open. */
export type Sealed = string;

/** Nothing to say. */
export type Empty = Record<string, never>;
