import { type Digest } from '#libs/contracts';
import { type Transaction } from '../database/index.js';

/**
 * Whether a blob is in the store, and not being deleted; then it stays until the transaction ends. FOR KEY SHARE is the one lock that keeps
 * garbage collection away and still lets whoever comes to refer to the blob make it `stored`: under FOR SHARE, two that pinned it would each
 * wait for the other to end.
 */
export async function isBlobThere({ manager }: Transaction, digest: Digest): Promise<boolean> {
  const blobs = (await manager.query(`SELECT FROM blobs WHERE digest = $1 AND state <> 'deleting' FOR KEY SHARE`, [
    digest,
  ])) as unknown[];
  return blobs.length > 0;
}
