import { type BlobLedger } from './blob-ledger.js';
import { type BlobStore } from './blob-store.js';
import { tracedBlobStore } from './traced-blob-store.js';
import { FilesystemBlobStore } from './filesystem/filesystem-blob-store.js';

/** The store at this location: the absolute path of a folder, which is made where it is missing. */
export function createBlobStore(location: string, ledger: BlobLedger): BlobStore {
  return tracedBlobStore(new FilesystemBlobStore(location, ledger));
}
