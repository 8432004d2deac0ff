import { Readable } from 'node:stream';
import { beginSpan, withSpan, type SpanStep } from './tracing.js';

/** The object, with a span for each call of these methods: by its name in the object, what it is called in traces. A stream that one gives ends its span. */
export function tracedMethods<T extends object>(object: T, steps: Readonly<Partial<Record<keyof T & string, SpanStep>>>): T {
  return new Proxy(object, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const step = (steps as Readonly<Record<string | symbol, SpanStep | undefined>>)[name];
      const bound = member.bind(target) as (...args: unknown[]) => unknown;
      return step ? (...args: unknown[]) => tracedStep(step, () => bound(...args)) : bound;
    },
  });
}

async function tracedStep(step: SpanStep, run: () => unknown): Promise<unknown> {
  const span = beginSpan(...step);
  if (!span) return run();
  try {
    const result = await withSpan(span, run);
    if (result instanceof Readable) result.once('error', (error) => span.fail(error)).once('close', () => span.end());
    else span.end();
    return result;
  } catch (error) {
    span.fail(error);
    span.end();
    throw error;
  }
}
