import { type Digest } from '#libs/contracts';
import { rowsOf, type Transaction } from '../database/index.js';
import { stillHolds } from './holder.js';

/** SQL: whether something refers to this digest as an original. */
const isOriginal = (digest: string): string => `(
  EXISTS (SELECT FROM images WHERE images.digest = ${digest})
  OR EXISTS (SELECT FROM deployments WHERE deployments.digest = ${digest}))`;

/** SQL: whether a live job works with this digest, or somebody holds it. A deployment in progress always has such a job. */
const isInUse = (digest: string): string => `(
  EXISTS (SELECT FROM jobs WHERE jobs.digest = ${digest} AND jobs.state IN ('queued', 'running'))
  OR EXISTS (SELECT FROM blob_pins pin WHERE pin.digest = ${digest} AND ${stillHolds('pin')}))`;

const isRooted = (digest: string): string => `(${isOriginal(digest)} OR ${isInUse(digest)})`;

/** SQL: whether the blob may go. What was derived from another blob stays as long as that one is referred to. */
const IS_GARBAGE = `(
  NOT ${isRooted('blobs.digest')}
  AND NOT EXISTS (
    SELECT FROM variants WHERE variants.digest = blobs.digest AND variants.source_digest <> blobs.digest
       AND ${isRooted('variants.source_digest')}))`;

/**
 * SQL: the derived blobs beyond a quota of $1 bytes. What alone is larger goes, and counts for nothing: it would drive out all others, and not
 * fit all the same. The others are laid in a row, what is in use first, then what was used last: what does not fit is what was not used for
 * longest.
 */
const BEYOND_QUOTA = `
  SELECT digest FROM (
    SELECT digest, in_use, size > $1 AS too_large,
           sum(size) FILTER (WHERE size <= $1) OVER (ORDER BY in_use DESC, used_at DESC, digest) AS bytes FROM (
      SELECT blobs.digest, blobs.size, ${isInUse('blobs.digest')} AS in_use, max(variants.last_used_at) AS used_at
        FROM blobs JOIN variants ON variants.digest = blobs.digest AND variants.source_digest <> blobs.digest
       WHERE blobs.state <> 'deleting' AND NOT ${isOriginal('blobs.digest')}
       GROUP BY blobs.digest, blobs.size) derived) ranked
   WHERE (too_large OR bytes > $1) AND NOT in_use`;

/**
 * Marks what nothing refers to as `deleting`, and what was derived beyond the quota, and gives it, with what was marked before. In two
 * statements each: whoever holds a blob, or comes to refer to it, locks its row, so whatever they did before we had the lock is seen by a
 * statement that begins after; and they wait for us.
 */
export async function condemnBlobs(
  { manager }: Transaction,
  { limit, quotaBytes }: { limit: number; quotaBytes: number | null },
): Promise<Digest[]> {
  const found = (await manager.query(`SELECT digest FROM blobs WHERE state = 'deleting' LIMIT $1`, [limit])) as Row[];
  const condemn = async (candidates: string, parameters: unknown[], mayGo: string) => {
    const locked = (await manager.query(
      `SELECT digest FROM blobs WHERE state <> 'deleting' AND ${candidates} LIMIT ${limit - found.length} FOR UPDATE SKIP LOCKED`,
      parameters,
    )) as Row[];
    const sql = `UPDATE blobs SET state = 'deleting' WHERE digest = ANY ($1) AND ${mayGo} RETURNING digest`;
    found.push(...(await rowsOf<Row>(manager, sql, [locked.map(({ digest }) => digest)])));
  };
  await condemn(IS_GARBAGE, [], IS_GARBAGE);
  if (quotaBytes !== null) await condemn(`digest IN (${BEYOND_QUOTA})`, [quotaBytes], `NOT ${isRooted('blobs.digest')}`);
  const digests = found.map(({ digest }) => digest);
  await manager.query('DELETE FROM variants WHERE digest = ANY ($1) OR source_digest = ANY ($1)', [digests]);
  return digests;
}

interface Row {
  digest: Digest;
}
