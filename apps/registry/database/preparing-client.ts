import { Client } from 'pg';

/** Once is a statement with something of its own in its text, which does not come again. */
const OFTEN = 3;
const MAX_COUNTED = 1000;
const MAX_PREPARED = 300;

const counted = new Map<string, number>();
const names = new Map<string, string>();

/**
 * A connection that has PostgreSQL prepare what is asked often: to parse and plan such short statements anew each time would be half of
 * their cost. TypeORM has no way to name a statement.
 */
export class PreparingClient extends Client {
  override query = ((text: unknown, values?: unknown, done?: unknown) => {
    const ask = super.query.bind(this) as (text: unknown, values?: unknown, done?: unknown) => unknown;
    const name = typeof text === 'string' && Array.isArray(values) && values.length > 0 ? nameOf(text) : undefined;
    return name === undefined ? ask(text, values, done) : ask({ name, text, values }, done);
  }) as Client['query'];
}

/** Under which a statement is prepared, the same on all connections; undefined while it has not come often. */
function nameOf(text: string): string | undefined {
  const name = names.get(text);
  if (name !== undefined || names.size >= MAX_PREPARED) return name;
  const times = (counted.get(text) ?? 0) + 1;
  if (times >= OFTEN) {
    counted.delete(text);
    names.set(text, `vice_${names.size}`);
    return names.get(text);
  }
  if (counted.size >= MAX_COUNTED) counted.clear();
  counted.set(text, times);
  return undefined;
}
