import { type BlobStoreConfig } from '#libs/config';
import { type BlobLedger } from './blob-ledger.js';
import { type BlobStore } from './blob-store.js';
import { FilesystemBlobStore } from './filesystem/filesystem-blob-store.js';
import { S3BlobStore } from './s3/s3-blob-store.js';

/** The store that the configuration names. A folder is made where it is missing, a bucket is not. */
export function createBlobStore(config: BlobStoreConfig, ledger: BlobLedger): BlobStore {
  return config.kind === 'file' ? new FilesystemBlobStore(config.folder, ledger) : new S3BlobStore(config, ledger);
}
