import { rename, stat } from 'node:fs/promises';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger } from '../blob-ledger.js';
import { diskError, isMissing } from './disk-error.js';
import { makeFolder, syncFolder } from './durable.js';
import { type Layout } from './layout.js';

/** A file under a name of its own, on the filesystem of the store. */
export interface Publishable {
  readonly path: string;
  /** Makes it durable. */
  sync(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Puts what a writer staged under its digest, so that it outlasts a power failure. The digest is reserved first: from then on garbage
 * collection leaves it alone, so that bytes which are there already stay, and ours are dropped.
 */
export async function publish(
  file: Publishable,
  writer: string,
  { digest, size }: { digest: Digest; size: number },
  layout: Layout,
  ledger: BlobLedger,
): Promise<void> {
  await ledger.reserveBlob(writer, digest, size);
  const folder = layout.shard(digest);
  const path = layout.blob(digest);
  if ((await sizeOf(path)) === size) {
    await file.remove();
  } else {
    await file.sync();
    try {
      await makeFolder(folder);
      await rename(file.path, path);
    } catch (error) {
      if (isMissing(error)) throw sweptAway(writer, error);
      throw diskError(error);
    }
  }
  // Also where the bytes were there: whoever put them there may not have come so far yet.
  await syncFolder(folder);
  await syncFolder(layout.blobs);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function sweptAway(writer: string, cause: unknown): ViceError {
  return new ViceError('UNAVAILABLE', `what ${writer} had staged was swept away, because its hold had expired; try again`, {
    cause,
  });
}
