import { stillHolds } from './holder.js';

/** SQL: whether something refers to this digest as an original. */
export const isOriginal = (digest: string): string => `(
  EXISTS (SELECT FROM images WHERE images.digest = ${digest})
  OR EXISTS (SELECT FROM deployments WHERE deployments.digest = ${digest}))`;

/** SQL: the digests of all originals, each once: the same for all blobs at once. */
export const ORIGINALS = `SELECT digest FROM images WHERE digest IS NOT NULL UNION SELECT digest FROM deployments`;

/** SQL: whether a live job works with this digest, or somebody holds it. A deployment in progress always has such a job. */
const isInUse = (digest: string): string => `(
  EXISTS (SELECT FROM jobs WHERE jobs.digest = ${digest} AND jobs.state IN ('queued', 'running'))
  OR EXISTS (SELECT FROM blob_pins pin WHERE pin.digest = ${digest} AND ${stillHolds('pin')}))`;

export const isRooted = (digest: string): string => `(${isOriginal(digest)} OR ${isInUse(digest)})`;
