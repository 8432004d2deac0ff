import { type ImageSort } from '#libs/contracts';
import { ViceError } from '#libs/errors';

/** The last image of a page: where the next one begins. Opaque to clients. */
export interface ImageCursor {
  sort: ImageSort;
  /** What the image is sorted by, as PostgreSQL writes it as text. */
  key: string;
  id: string;
}

export function encodeCursor({ sort, key, id }: ImageCursor): string {
  return Buffer.from(JSON.stringify([sort, key, id])).toString('base64url');
}

/** Raises INVALID_QUERY for what is no cursor of this sort order. */
export function decodeCursor(text: string, sort: ImageSort): ImageCursor {
  const [ofSort, key, id] = fieldsOf(text);
  if (typeof key !== 'string' || !isUuid(id) || !isKey(key, sort))
    throw invalid('is not one that this service gave; ask for the first page without it');
  if (ofSort !== sort) throw invalid(`belongs to a list sorted by ${String(ofSort)}, not by ${sort}`);
  return { sort, key, id };
}

function fieldsOf(text: string): unknown[] {
  try {
    const fields: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(fields) ? fields : [];
  } catch {
    return [];
  }
}

const INSTANT = /^(?<day>(?!0000)\d{4}-\d\d-\d\d) (?<time>\d\d:\d\d:\d\d(\.\d{1,6})?)[+-](0\d|1[0-5])(:[0-5]\d)?$/;

/** One that there is: not on the 30th of February. */
function isInstant(key: string): boolean {
  const { day = '', time = '' } = INSTANT.exec(key)?.groups ?? {};
  const instant = new Date(`${day}T${time}Z`);
  return !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(day);
}

/** What PostgreSQL would refuse as a value of the sort key must not reach it. */
function isKey(key: string, sort: ImageSort): boolean {
  if (sort.endsWith('title')) return !key.includes('\0');
  if (sort.endsWith('size')) return /^-?\d{1,16}$/.test(key);
  return isInstant(key);
}

const isUuid = (id: unknown): id is string => typeof id === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);

const invalid = (message: string): ViceError =>
  new ViceError('INVALID_QUERY', `cursor ${message}`, { fields: [{ field: 'cursor', message }] });
