import { isOriginal, isRooted } from './roots.js';

/**
 * A quota leaves what was made or used last within this time: who waits for a conversion is told to come back, and finds what was made for
 * them, however large it is; else each that comes back would have it made again.
 */
const USE_STANDS = '10 minutes';

/** SQL: whether a quota leaves this derived blob. */
export const isKeptByQuota = (digest: string): string => `(
  ${isRooted(digest)}
  OR EXISTS (
    SELECT FROM variants made WHERE made.digest = ${digest} AND made.source_digest <> made.digest
       AND made.last_used_at > now() - interval '${USE_STANDS}'))`;

/**
 * SQL: the derived blobs beyond a quota of $1 bytes. What alone is larger goes, and counts for nothing: it would drive out all others, and not
 * fit all the same. The others are laid in a row, what stays first, then what was used last: what does not fit is what was not used for
 * longest.
 */
export const BEYOND_QUOTA = `
  SELECT digest FROM (
    SELECT digest, stays, size > $1 AS too_large,
           sum(size) FILTER (WHERE size <= $1) OVER (ORDER BY stays DESC, used_at DESC, digest) AS bytes FROM (
      SELECT blobs.digest, blobs.size, ${isKeptByQuota('blobs.digest')} AS stays, max(variants.last_used_at) AS used_at
        FROM blobs JOIN variants ON variants.digest = blobs.digest AND variants.source_digest <> blobs.digest
       WHERE blobs.state <> 'deleting' AND NOT ${isOriginal('blobs.digest')}
       GROUP BY blobs.digest, blobs.size) derived) ranked
   WHERE (too_large OR bytes > $1) AND NOT stays`;
