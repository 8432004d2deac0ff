import { stillHolds } from './holder.js';

/**
 * SQL: the jobs that failed to inspect what an image still awaits, by no fault of the content: they can be run again, and were answered for. The
 * index jobs_not_inspected is of the same words.
 */
const NOT_INSPECTED = `jobs JOIN images awaiting ON awaiting.id = jobs.image_id AND awaiting.generation = jobs.generation
   WHERE jobs.action = 'inspect' AND jobs.state = 'failed' AND NOT starts_with(jobs.error_code, 'CONTENT_')`;

/** SQL: whether something refers to this digest as an original. */
export const isOriginal = (digest: string): string => `(
  EXISTS (SELECT FROM images WHERE images.digest = ${digest})
  OR EXISTS (SELECT FROM deployments WHERE deployments.digest = ${digest})
  OR EXISTS (SELECT FROM ${NOT_INSPECTED} AND jobs.digest = ${digest}))`;

/** SQL: the digests of all originals, each once: the same for all blobs at once. */
export const ORIGINALS = `SELECT digest FROM images WHERE digest IS NOT NULL UNION SELECT digest FROM deployments
  UNION SELECT jobs.digest FROM ${NOT_INSPECTED}`;

/** SQL: whether a live job works with this digest, or somebody holds it. A deployment in progress always has such a job. */
const isInUse = (digest: string): string => `(
  EXISTS (SELECT FROM jobs WHERE jobs.digest = ${digest} AND jobs.state IN ('queued', 'running'))
  OR EXISTS (SELECT FROM blob_pins pin WHERE pin.digest = ${digest} AND ${stillHolds('pin')}))`;

export const isRooted = (digest: string): string => `(${isOriginal(digest)} OR ${isInUse(digest)})`;
