/** Both ends inclusive, in bytes. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * What a `Range` header asks of content of `size` bytes (RFC 9110, 14). The whole, where it is absent, malformed, of another unit, or names
 * several ranges: all of these a server may disregard.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header?.replace(/\s+/g, '') ?? '');
  if (!match) return 'whole';
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const length = Number(last);
    return length === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - length), end: size - 1 };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return 'whole';
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
}

const tagsIn = (header: string): string[] => header.match(/(?:W\/)?"[^"]*"|\*/g) ?? [];

/** Whether `If-None-Match` names this entity tag; its comparison is the weak one. */
export const namesTag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined && tagsIn(ifNoneMatch).some((tag) => tag === '*' || tag.replace(/^W\//, '') === etag);

/** Whether `If-Match` lets this entity tag pass; its comparison is the strong one. */
export const matchesTag = (ifMatch: string | undefined, etag: string): boolean =>
  ifMatch === undefined || tagsIn(ifMatch).some((tag) => tag === '*' || tag === etag);
