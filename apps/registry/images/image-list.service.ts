import { Injectable } from '@nestjs/common';
import { type ImagePage, type ImageQuery } from '#libs/contracts';
import { Database } from '../database/index.js';
import { ORIGIN_COLUMNS, toImage, type ImageRow, type OriginRow } from './image.contract.js';
import { decodeCursor, encodeCursor } from './image.cursor.js';
import { ImageListQuery, type SortKey } from './image-list.query.js';

/** Above this, a total is an estimate. */
const COUNTED_TO = 1000;
const ESTIMATE_STANDS_MS = 10_000;
const MAX_ESTIMATES = 1000;

/** The catalogue, page by page: stable while images come and go, because a page begins after an image and not at a number. */
@Injectable()
export class ImageListService {
  private readonly estimates = new Map<string, { total: number; until: number }>();

  constructor(private readonly database: Database) {}

  /** `viewer` null: someone who has not logged in. Raises INVALID_QUERY for a cursor that is none of this list's. */
  async find(viewer: string | null, query: ImageQuery): Promise<ImagePage> {
    const { limit, sort } = query;
    const cursor = query.cursor ? decodeCursor(query.cursor, sort) : null;
    const page = new ImageListQuery(viewer, query).page(sort, limit + 1, cursor);
    const [rows, total] = await Promise.all([
      this.database.query<ImageRow & SortKey>(page.sql, page.parameters),
      this.total(viewer, query),
    ]);
    const shown = rows.slice(0, limit);
    const origins = await this.originsOf(shown);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      images: shown.map((row) => toImage(row, origins.get(row.origin), viewer)),
      next: last ? encodeCursor({ sort, key: last.sort_key, id: last.id }) : null,
      total,
    };
  }

  /** The environments that images come from, each read once: most images of a page share theirs with others. */
  private async originsOf(images: ImageRow[]): Promise<Map<string | null, OriginRow>> {
    const ids = new Set(images.map(({ origin }) => origin).filter((id) => id !== null));
    if (ids.size === 0) return new Map();
    const rows = await this.database.query<OriginRow>(
      `SELECT ${ORIGIN_COLUMNS} FROM environments e WHERE e.id = ANY ($1) AND e.deleted_at IS NULL`,
      [[...ids]],
    );
    return new Map(rows.map((row) => [row.origin_id, row]));
  }

  /** Exact to 1,000. An estimate is kept for some seconds, because finding out that there are more takes longer than a page. */
  private async total(viewer: string | null, { q, tag, contenttype, imagetype, contentDigest }: ImageQuery): Promise<number> {
    const filters = { q, tag, contenttype, imagetype, contentDigest };
    const key = JSON.stringify([viewer, filters]);
    const known = this.estimates.get(key);
    if (known && known.until > performance.now()) return known.total;
    this.estimates.delete(key);

    const count = new ImageListQuery(viewer, filters).count(COUNTED_TO + 1);
    const [counted] = await this.database.query<{ images: number }>(count.sql, count.parameters);
    if (!counted || counted.images <= COUNTED_TO) return counted?.images ?? 0;

    const estimate = new ImageListQuery(viewer, filters).estimate();
    const [plan] = await this.database.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
      estimate.sql,
      estimate.parameters,
    );
    const total = Math.max(COUNTED_TO + 1, plan?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0);
    if (this.estimates.size >= MAX_ESTIMATES) this.estimates.delete(this.estimates.keys().next().value!);
    this.estimates.set(key, { total, until: performance.now() + ESTIMATE_STANDS_MS });
    return total;
  }
}
