import { type ServiceName } from '#libs/contracts';
import { ViceError, type ErrorOnTheWire } from '#libs/errors';
import { type SpanOptions, type Trail } from '#libs/observability';
import { type CallContext, type CallListener } from '../broker.js';

/** How calls and their answers look as JSON text, on either transport. */

/** An answer on its way back: JSON of what was returned, or of the error. */
export interface Reply {
  failed: boolean;
  text: string;
}

export function encode(body: unknown): string {
  return JSON.stringify(body) ?? 'null';
}

/** Name and nature of the span of a call, on either side. */
export function callSpan(service: ServiceName, name: string, kind: 'client' | 'server'): [name: string, options: SpanOptions] {
  return [`${service}/${name}`, { kind, attributes: { 'rpc.system': 'vice', 'rpc.service': service, 'rpc.method': name } }];
}

export function callContext(deadline: number, trail: Trail): CallContext {
  return { deadline, trail, expired: () => Date.now() >= deadline };
}

/** Has a call answered, whatever the handler does. */
export async function replyTo(handle: CallListener, call: { name: string; text: string }, context: CallContext): Promise<Reply> {
  try {
    return { failed: false, text: encode(await handle(call.name, JSON.parse(call.text), context)) };
  } catch (error) {
    return refusal(ViceError.from(error));
  }
}

export function refusal(error: ViceError): Reply {
  return { failed: true, text: encode(error.toWire()) };
}

/** What the caller gets: the answer, or the error raised again. */
export function opened({ failed, text }: Reply): unknown {
  const content: unknown = JSON.parse(text);
  if (failed) throw ViceError.fromWire(content as ErrorOnTheWire);
  return content;
}
