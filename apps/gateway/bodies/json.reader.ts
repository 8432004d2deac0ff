import { ViceError } from '#libs/errors';

/** Deeper than any model with any `specifics` that are taken. */
const MAX_DEPTH = 70;

/** Raises INVALID_INPUT for what is malformed or nested too deep. The message tells the place, never a part of the body: it may hold a password. */
export function readJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const position = /at position (\d+)/.exec(cause instanceof Error ? cause.message : '')?.[1];
    const place = position === undefined ? '' : ` at character ${Number(position) + 1}`;
    throw new ViceError('INVALID_INPUT', `the body is not well-formed JSON${place}`);
  }
  if (isDeeperThan(value, MAX_DEPTH)) throw new ViceError('INVALID_INPUT', `the body is nested more than ${MAX_DEPTH} deep`);
  return value;
}

/** Whether objects and lists stand in one another more than `limit` times. Does not recurse further than that itself. */
function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return limit === 0 || Object.values(value).some((inner) => isDeeperThan(inner, limit - 1));
}
