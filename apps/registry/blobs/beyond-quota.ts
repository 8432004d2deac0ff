import { isOriginal, isRooted } from './roots.js';

/**
 * A quota leaves what was made or used last within this time: who waits for a conversion is told to come back, and finds what was made for
 * them, however large it is; else each that comes back would have it made again.
 */
const USE_STANDS = '10 minutes';

/** SQL: whether a quota leaves this derived blob for its own sake. */
const isKept = (digest: string): string => `(
  ${isRooted(digest)}
  OR EXISTS (
    SELECT FROM variants made WHERE made.digest = ${digest} AND made.source_digest <> made.digest
       AND made.last_used_at > now() - interval '${USE_STANDS}'))`;

/** SQL: whether a row of variants is another one, or was made of it, by way of others too: its recipe begins with the other's. */
const isOfLine = (heir: string, of: string): string => `(
  ${heir}.source_digest = ${of}.source_digest AND ${heir}.source_content_type IS NOT DISTINCT FROM ${of}.source_content_type
  AND starts_with(${heir}.recipe || '+', ${of}.recipe || '+'))`;

/**
 * SQL: the derived blobs beyond a quota of $1 bytes. What alone is larger goes, and counts for nothing: it would drive out all others, and not
 * fit all the same. The others are laid in a row, what stays first, then what was used last: what does not fit is what was not used for
 * longest. What others were made of stays and is used as they are, and they go where it goes: else they would name what nobody knows.
 */
export const BEYOND_QUOTA = `
  WITH derived AS (
    SELECT variants.*, blobs.size AS bytes, ${isOriginal('blobs.digest')} AS is_original, ${isKept('blobs.digest')} AS is_kept
      FROM variants JOIN blobs ON blobs.digest = variants.digest AND blobs.state <> 'deleting'
     WHERE variants.source_digest <> variants.digest),
  lines AS (
    SELECT own.digest, own.bytes, own.is_original, kin.bytes AS kin_bytes, kin.is_kept, kin.last_used_at,
           ${isOfLine('kin', 'own')} AS is_heir, ${isOfLine('own', 'kin')} AS is_forebear
      FROM derived own JOIN derived kin ON kin.source_digest = own.source_digest),
  judged AS (
    SELECT digest, bytes AS size, bool_or(kin_bytes > $1) FILTER (WHERE is_forebear) AS too_large, bool_or(is_kept) FILTER (WHERE is_heir) AS stays,
           max(last_used_at) FILTER (WHERE is_heir) AS used_at, count(*) FILTER (WHERE is_heir) AS heirs
      FROM lines WHERE NOT is_original GROUP BY digest, bytes)
  SELECT digest FROM (
    SELECT digest, stays, too_large,
           sum(size) FILTER (WHERE NOT too_large) OVER (ORDER BY stays DESC, used_at DESC, heirs DESC, digest) AS bytes FROM judged) ranked
   WHERE (too_large OR bytes > $1) AND NOT stays`;

/** SQL: whether a blob among those of $1, all locked, may go beyond a quota: nothing that was made of it stays. */
export const MAY_GO_BEYOND_QUOTA = `(
  NOT ${isKept('blobs.digest')}
  AND NOT EXISTS (
    SELECT FROM variants own JOIN variants heir ON ${isOfLine('heir', 'own')}
     WHERE own.digest = blobs.digest AND own.source_digest <> own.digest AND heir.source_digest <> heir.digest
       AND (heir.digest <> ALL ($1) OR ${isKept('heir.digest')})))`;
