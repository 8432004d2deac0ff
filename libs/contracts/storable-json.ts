import { type Json } from './vocabulary.js';

const MAX_DEPTH = 64;

/**
 * Whether JSON can be kept and given out everywhere: no NUL and no half of a surrogate pair in a text or a key (PostgreSQL refuses both,
 * XML too), no number beyond what JSON can write again, no key `__proto__`, and nested at most 64 deep.
 */
export function isStorableJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  return Object.entries(value).every(([key, entry]) => isStorableKey(key) && isStorableJson(entry, depth + 1));
}

const isStorableKey = (key: string): boolean => key !== '__proto__' && isStorableText(key);

const isStorableText = (text: string): boolean => !/[\0\p{Cs}]/u.test(text);

/** Text of somebody else's making, with what could not be kept replaced by \ufffd. */
export const storableText = (text: string): string => text.replace(/[\0\p{Cs}]/gu, '\ufffd');

/** JSON of somebody else's making, as far as it can be kept. */
export function storableJson(value: Json, depth = 0): Json {
  if (typeof value === 'string') return storableText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((entry) => storableJson(entry, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [storableText(key), storableJson(entry, depth + 1)]));
}
