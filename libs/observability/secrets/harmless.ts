import { SECRET, withoutSecrets } from './without-secrets.js';

const MAX_DEPTH = 10;
/** What an error drags along (a socket, a whole request) is not written to its end. */
const MAX_VALUES = 500;

const SECRET_PARTS = /passw|passphrase|secret|token|private|authorization|cookie|credential|access_?code|api_?key|signature/i;
const SECRET_NAMES = new Set(['key', 'sshkey', 'pass', 'pwd', 'auth']);

/** Whether what has this name is not to be written, whatever it is. */
const isSecret = (name: string): boolean => SECRET_PARTS.test(name) || SECRET_NAMES.has(name.toLowerCase());

/**
 * A copy for a log line: no values of secret names at any depth, no secrets in texts, errors as plain objects with all their causes. What refers
 * to itself, or has no end, is cut off.
 */
export function harmless(fields: object): Record<string, unknown> {
  return new Copy().fields(fields);
}

class Copy {
  private values = 0;
  private readonly open = new Set<object>();

  fields(object: object): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    for (const name of Object.keys(object).slice(0, MAX_VALUES)) {
      const value = member(object, name);
      if (value !== undefined) copy[name] = this.named(name, value);
    }
    return copy;
  }

  private named(name: string, value: unknown): unknown {
    if (value === null || typeof value === 'boolean') return value;
    return isSecret(name) ? SECRET : this.value(value);
  }

  private value(value: unknown): unknown {
    if (typeof value === 'string') return withoutSecrets(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    this.values += 1;
    if (this.open.has(value)) return '[circular]';
    if (this.open.size >= MAX_DEPTH || this.values > MAX_VALUES) return '[…]';
    this.open.add(value);
    try {
      return this.object(value);
    } finally {
      this.open.delete(value);
    }
  }

  private object(value: object): unknown {
    if (value instanceof Error) return this.error(value);
    if (Array.isArray(value)) return this.list(value);
    if (value instanceof Set) return this.list([...value]);
    if (value instanceof Map) return this.fields(Object.fromEntries(value) as object);
    const toJson = member(value, 'toJSON');
    if (typeof toJson === 'function') return this.value(tried(() => toJson.call(value) as unknown));
    return this.fields(value);
  }

  /** Node lists headers flat: a name, then its value. */
  private list(values: readonly unknown[]): unknown[] {
    return values.slice(0, MAX_VALUES).map((value, index) => {
      const before = values[index - 1];
      const isOfSecret = index % 2 === 1 && typeof before === 'string' && before.length < 40 && isSecret(before);
      return isOfSecret ? SECRET : this.value(value);
    });
  }

  private error(error: Error): Record<string, unknown> {
    const { message, stack, ...more } = this.fields(error);
    const inner = { cause: member(error, 'cause'), errors: member(error, 'errors') };
    return {
      type: error.constructor?.name ?? error.name,
      message: this.value(message ?? member(error, 'message')),
      stack: this.value(stack ?? member(error, 'stack')),
      ...more,
      ...(inner.cause !== undefined && { cause: this.value(inner.cause) }),
      ...(inner.errors !== undefined && { errors: this.value(inner.errors) }),
    };
  }
}

const member = (object: object, name: string): unknown => tried(() => (object as Record<string, unknown>)[name]);

function tried(get: () => unknown): unknown {
  try {
    return get();
  } catch {
    return undefined;
  }
}
