import { BLOB_CLASSES, type BlobClass, type BlobsNow } from '#libs/observability';
import { type Database } from '../database/index.js';
import { stillHolds } from './holder.js';
import { ORIGINALS } from './roots.js';

/** SQL: of which class a blob is. */
const CLASS: Readonly<Record<BlobClass, string>> = {
  original: 'originals.digest IS NOT NULL',
  variant: 'originals.digest IS NULL AND derived.digest IS NOT NULL',
  unreferenced: 'originals.digest IS NULL AND derived.digest IS NULL',
};

const figures = (name: BlobClass): string =>
  `count(*) FILTER (WHERE ${CLASS[name]}) AS ${name}_count, coalesce(sum(blobs.size) FILTER (WHERE ${CLASS[name]}), 0) AS ${name}_bytes`;

/** One pass over each table, and nothing sorted: there may be many blobs. */
const BLOBS_BY_CLASS = `
  WITH originals AS (${ORIGINALS}),
  derived AS (
    SELECT DISTINCT variants.digest FROM variants JOIN originals ON originals.digest = variants.source_digest
     WHERE variants.digest <> variants.source_digest)
  SELECT ${BLOB_CLASSES.map(figures).join(', ')}
    FROM blobs LEFT JOIN originals ON originals.digest = blobs.digest LEFT JOIN derived ON derived.digest = blobs.digest`;

const RESERVED = `SELECT coalesce(sum(bytes), 0) AS bytes FROM space_reservations held WHERE ${stillHolds('held')}`;

/** What lies in the blob store, by what it is there for, and what is reserved beside it. */
export async function blobFigures(database: Database): Promise<BlobsNow> {
  const [[blobs], [reserved]] = await Promise.all([
    database.query<Record<string, string>>(BLOBS_BY_CLASS),
    database.query<{ bytes: string }>(RESERVED),
  ]);
  const figure = (name: BlobClass, what: 'count' | 'bytes') => Number(blobs?.[`${name}_${what}`]);
  return {
    classes: new Map(BLOB_CLASSES.map((name) => [name, { count: figure(name, 'count'), bytes: figure(name, 'bytes') }])),
    reservedBytes: Number(reserved?.bytes),
  };
}
