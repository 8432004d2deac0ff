import { type Digest } from '#libs/contracts';
import { rowsOf, type Transaction } from '../database/index.js';
import { BEYOND_QUOTA, MAY_GO_BEYOND_QUOTA } from './beyond-quota.js';
import { isRooted } from './roots.js';

/** SQL: whether the blob may go. What was derived from another blob stays as long as that one is referred to. */
const IS_GARBAGE = `(
  NOT ${isRooted('blobs.digest')}
  AND NOT EXISTS (
    SELECT FROM variants WHERE variants.digest = blobs.digest AND variants.source_digest <> blobs.digest
       AND ${isRooted('variants.source_digest')}))`;

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
  if (quotaBytes !== null) await condemn(`digest IN (${BEYOND_QUOTA})`, [quotaBytes], MAY_GO_BEYOND_QUOTA);
  const digests = found.map(({ digest }) => digest);
  await manager.query('DELETE FROM variants WHERE digest = ANY ($1) OR source_digest = ANY ($1)', [digests]);
  return digests;
}

interface Row {
  digest: Digest;
}
