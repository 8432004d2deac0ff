import { type ImageQuery, type ImageSort } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { IMAGE_COLUMNS, isSameDisk } from './image.contract.js';
import { type ImageCursor } from './image.cursor.js';
import { tsqueryOf } from './image.search.js';

/** A statement and its parameters. */
export interface Statement {
  sql: string;
  parameters: unknown[];
}

/** What images are sorted by, never null; the same expressions as in the indexes. */
const SORT_KEYS: Readonly<Record<string, { key: string; type: string }>> = {
  createdAt: { key: 'i.created_at', type: 'timestamptz' },
  updatedAt: { key: 'i.updated_at', type: 'timestamptz' },
  title: { key: `lower(coalesce(i.title, ''))`, type: 'text' },
  size: { key: 'coalesce(i.size, -1)', type: 'bigint' },
};

export type ImageFilters = Pick<ImageQuery, 'q' | 'contenttype' | 'imagetype' | 'tag' | 'contentDigest'>;

/** The columns of a page's rows: `sort_key` is the text that a cursor after this row holds. */
export type SortKey = { sort_key: string };

/**
 * The images that a viewer may see: their own private ones and everyone's public ones. The two never overlap and each has its own indexes,
 * so that a page is the merge of two short walks; an OR over both would sort the whole catalogue.
 */
export class ImageListQuery {
  private readonly parameters: unknown[] = [];
  private readonly filters: string[];
  private readonly scopes: string[];

  constructor(viewer: string | null, query: ImageFilters) {
    this.scopes = [`i.visibility = 'public'`];
    if (viewer !== null) this.scopes.push(`i.visibility = 'private' AND i.user_id = ${this.bind(viewer, 'uuid')}`);
    this.filters = this.conditions(query);
  }

  /** At most `rows` images from the cursor on, in order. */
  page(sort: ImageSort, rows: number, cursor: ImageCursor | null): Statement {
    const descending = sort.startsWith('-');
    const { key, type } = SORT_KEYS[descending ? sort.slice(1) : sort]!;
    const direction = descending ? 'DESC' : 'ASC';
    const filters = [...this.filters];
    if (cursor)
      filters.push(`(${key}, i.id) ${descending ? '<' : '>'} (${this.bind(cursor.key, type)}, ${this.bind(cursor.id, 'uuid')})`);
    const limit = `LIMIT ${Math.trunc(rows)}`;
    const walks = this.scopes.map(
      (scope) =>
        `(SELECT i.*, ${key} AS sort_key FROM images i WHERE ${[scope, ...filters].join(' AND ')} ORDER BY ${key} ${direction}, i.id ${direction} ${limit})`,
    );
    const order = (row: string) => `ORDER BY ${row}sort_key ${direction}, ${row}id ${direction}`;
    const merged = walks.length === 1 ? walks[0] : `(${walks.join(' UNION ALL ')} ${order('')} ${limit})`;
    return {
      sql: `SELECT ${IMAGE_COLUMNS}, i.sort_key::text FROM ${merged} i ${order('i.')}`,
      parameters: this.parameters,
    };
  }

  /** How many there are, counted up to `limit`. */
  count(limit: number): Statement {
    return { sql: `SELECT count(*)::int AS images FROM (${this.all()} LIMIT ${limit}) i`, parameters: this.parameters };
  }

  /** How many there are as PostgreSQL's planner thinks: one row, whose "QUERY PLAN" tells. */
  estimate(): Statement {
    return { sql: `EXPLAIN (FORMAT JSON) ${this.all()}`, parameters: this.parameters };
  }

  private all(): string {
    return this.scopes
      .map((scope) => `SELECT 1 FROM images i WHERE ${[scope, ...this.filters].join(' AND ')}`)
      .join(' UNION ALL ');
  }

  private conditions({ q, contenttype, imagetype, tag, contentDigest }: ImageFilters): string[] {
    const words = q ? tsqueryOf(q) : null;
    if (tag?.includes('\0')) throw notStorable('tag');
    return [
      ...(words ? [`i.words @@ to_tsquery('simple', ${this.bind(words, 'text')})`] : []),
      ...(tag ? [`i.tags @> ARRAY[${this.bind(tag, 'text')}]`] : []),
      ...(contenttype ? [`i.contenttype = ${this.bind(contenttype, 'text')}`] : []),
      ...(contentDigest ? [isSameDisk(this.bind(contentDigest, 'text'))] : []),
      ...(imagetype ? [`i.imagetype = ${this.bind(imagetype, 'text')}`] : []),
    ];
  }

  private bind(value: unknown, type: string): string {
    this.parameters.push(value);
    return `$${this.parameters.length}::${type}`;
  }
}

function notStorable(field: string): ViceError {
  const message = 'must not contain control characters';
  return new ViceError('INVALID_QUERY', `${field} ${message}`, { fields: [{ field, message }] });
}
