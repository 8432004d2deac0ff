import { type Digest } from '#libs/contracts';
import { rowsOf, type Transaction } from '../database/index.js';
import { stillHolds } from './holder.js';

/** SQL: whether something refers to this digest by itself, or holds it. */
const isRooted = (digest: string): string => `(
  EXISTS (SELECT FROM images WHERE images.digest = ${digest})
  OR EXISTS (SELECT FROM deployments WHERE deployments.digest = ${digest})
  OR EXISTS (SELECT FROM jobs WHERE jobs.digest = ${digest} AND jobs.state IN ('queued', 'running'))
  OR EXISTS (SELECT FROM blob_pins pin WHERE pin.digest = ${digest} AND ${stillHolds('pin')}))`;

/** SQL: whether the blob may go. What was derived from another blob stays as long as that one is referred to. */
const IS_GARBAGE = `(
  NOT ${isRooted('blobs.digest')}
  AND NOT EXISTS (
    SELECT FROM variants WHERE variants.digest = blobs.digest AND variants.source_digest <> blobs.digest
       AND ${isRooted('variants.source_digest')}))`;

/**
 * Marks what nothing refers to as `deleting`, and gives it, with what was marked before. In two statements: whoever holds a blob, or comes to
 * refer to it, locks its row, so whatever they did before we had the lock is seen by a statement that begins after; and they wait for us.
 */
export async function condemnBlobs({ manager }: Transaction, limit: number): Promise<Digest[]> {
  const before = (await manager.query(`SELECT digest FROM blobs WHERE state = 'deleting' LIMIT $1`, [limit])) as {
    digest: Digest;
  }[];
  const candidates = (await manager.query(
    `SELECT digest FROM blobs WHERE state <> 'deleting' AND ${IS_GARBAGE} LIMIT $1 FOR UPDATE SKIP LOCKED`,
    [limit - before.length],
  )) as { digest: Digest }[];
  const condemned = await rowsOf<{ digest: Digest }>(
    manager,
    `UPDATE blobs SET state = 'deleting' WHERE digest = ANY ($1) AND ${IS_GARBAGE} RETURNING digest`,
    [candidates.map(({ digest }) => digest)],
  );
  const digests = [...before, ...condemned].map(({ digest }) => digest);
  await manager.query('DELETE FROM variants WHERE digest = ANY ($1) OR source_digest = ANY ($1)', [digests]);
  return digests;
}
