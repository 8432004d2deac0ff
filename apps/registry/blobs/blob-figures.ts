import { type BlobClass, type BlobsNow } from '#libs/observability';
import { type Database } from '../database/index.js';
import { stillHolds } from './holder.js';
import { isOriginal } from './roots.js';

/** SQL: whether the blob was made of one that something refers to. */
const IS_VARIANT = `EXISTS (
  SELECT FROM variants WHERE variants.digest = blobs.digest AND variants.source_digest <> blobs.digest
     AND ${isOriginal('variants.source_digest')})`;

/** What lies in the blob store, by what it is there for, and what is reserved beside it. */
export async function blobFigures(database: Database): Promise<BlobsNow> {
  const [rows, [reserved]] = await Promise.all([
    database.query<{ class: BlobClass; count: number; bytes: string }>(
      `SELECT CASE WHEN ${isOriginal('blobs.digest')} THEN 'original' WHEN ${IS_VARIANT} THEN 'variant' ELSE 'unreferenced' END AS class,
              count(*)::int AS count, sum(size) AS bytes
         FROM blobs GROUP BY 1`,
    ),
    database.query<{ bytes: string }>(
      `SELECT coalesce(sum(bytes), 0) AS bytes FROM space_reservations held WHERE ${stillHolds('held')}`,
    ),
  ]);
  return {
    classes: new Map(rows.map(({ class: name, count, bytes }) => [name, { count, bytes: Number(bytes) }])),
    reservedBytes: Number(reserved?.bytes ?? 0),
  };
}
