const MAX_DEPTH = 64;

/**
 * Whether JSON can be kept and given out everywhere: no NUL and no half of a surrogate pair in a text or a key (PostgreSQL refuses both,
 * XML too), and nested at most 64 deep.
 */
export function isStorableJson(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return isStorableText(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= MAX_DEPTH) return false;
  return Object.entries(value).every(([key, entry]) => isStorableText(key) && isStorableJson(entry, depth + 1));
}

const isStorableText = (text: string): boolean => !/[\0\p{Cs}]/u.test(text);
