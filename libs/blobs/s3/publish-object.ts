import { type Digest } from '#libs/contracts';
import { type BlobLedger } from '../blob-ledger.js';
import { atOnce } from './at-once.js';
import { type Bucket, type Part } from './bucket.js';
import { type S3Layout } from './s3-layout.js';
import { sweptAway } from './swept-away.js';

const COPIED_AT_ONCE = 8;

export interface Publication {
  writer: string;
  blob: { digest: Digest; size: number };
  /** Where its writer stages, with a slash at its end. */
  folder: string;
  /** The objects that are the blob one after the other; each but the last has as many bytes as a part must. */
  keys: string[];
}

/**
 * Puts what a writer staged under its digest, by copies within the store. The digest is reserved first: from then on garbage collection leaves it
 * alone, so that bytes which are there already stay. Objects appear whole or not at all, and nobody puts other bytes under a digest: that the server
 * refuses to do it twice spares work, and is not needed to be right.
 */
export async function publishObject(
  publication: Publication,
  bucket: Bucket,
  layout: S3Layout,
  ledger: BlobLedger,
): Promise<void> {
  const { writer, blob, keys } = publication;
  await ledger.reserveBlob(writer, blob.digest, blob.size);
  const key = layout.blob(blob.digest);
  const there = await bucket.head(key);
  if (there?.size === blob.size) return;
  // One of another size is nothing of ours: it is replaced.
  const anew = there === null;
  if (keys.length === 0) await bucket.put(key, Buffer.alloc(0));
  else if (keys.length === 1) await copyWhole(keys[0]!, key, blob.size, bucket, anew);
  else await putTogether(publication, key, bucket, layout, anew);
}

async function copyWhole(from: string, to: string, size: number, bucket: Bucket, anew: boolean): Promise<void> {
  if ((await bucket.copy(from, to, { anew })) === 'missing') throw sweptAway();
  if (!(await isWhole(to, size, bucket))) throw notWhole(size);
}

/** Asked after each publication, also because another writer that was a moment sooner may have failed since. */
const isWhole = async (key: string, size: number, bucket: Bucket) => (await bucket.head(key))?.size === size;

const notWhole = (size: number) => new Error(`the object store has put together another number of bytes than ${size}`);

async function putTogether(
  { keys, folder, blob }: Publication,
  to: string,
  bucket: Bucket,
  layout: S3Layout,
  anew: boolean,
): Promise<void> {
  const upload = await bucket.beginUpload(to);
  try {
    // Should this process die, whoever sweeps its staging finds here what else is to be taken away.
    await bucket.put(layout.publishing(folder), Buffer.from(JSON.stringify(upload)));
    const parts: Part[] = [];
    await atOnce(keys, COPIED_AT_ONCE, async (from, index) => {
      const part = await bucket.copyPart(upload, index + 1, from);
      if (part === null) throw sweptAway();
      parts.push(part);
    });
    if ((await bucket.completeUpload(upload, parts, { anew })) === 'missing') throw sweptAway();
    if (await isWhole(to, blob.size, bucket)) {
      await bucket.remove(layout.publishing(folder));
      // Where the object was there already, the upload still is.
      await bucket.abortUpload(upload);
      return;
    }
    await bucket.remove(to);
    throw notWhole(blob.size);
  } catch (error) {
    await bucket.abortUpload(upload).catch(() => undefined);
    await bucket.remove(layout.publishing(folder)).catch(() => undefined);
    throw error;
  }
}
