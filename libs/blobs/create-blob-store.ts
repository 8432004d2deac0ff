import { type BlobStoreConfig } from '#libs/config';
import { type BlobLedger } from './blob-ledger.js';
import { type BlobStore } from './blob-store.js';
import { tracedBlobStore } from './traced-blob-store.js';
import { FilesystemBlobStore } from './filesystem/filesystem-blob-store.js';
import { RedirectingS3BlobStore } from './s3/redirecting-s3-blob-store.js';
import { S3BlobStore } from './s3/s3-blob-store.js';

/** The store that the configuration names. A folder is made where it is missing, a bucket is not. */
export function createBlobStore(config: BlobStoreConfig, ledger: BlobLedger): BlobStore {
  return tracedBlobStore(storeOf(config, ledger));
}

function storeOf(config: BlobStoreConfig, ledger: BlobLedger): BlobStore {
  if (config.kind === 'file') return new FilesystemBlobStore(config.folder, ledger);
  return config.redirect ? new RedirectingS3BlobStore(config, ledger) : new S3BlobStore(config, ledger);
}
