import { type BlobStoreConfig } from '#libs/config';
import { type Logger } from '#libs/observability';
import { type BlobLedger } from './blob-ledger.js';
import { type BlobStore } from './blob-store.js';
import { tracedBlobStore } from './traced-blob-store.js';
import { FilesystemBlobStore } from './filesystem/filesystem-blob-store.js';
import { RedirectingS3BlobStore } from './s3/redirecting-s3-blob-store.js';
import { S3BlobStore } from './s3/s3-blob-store.js';

/**
 * The store that the configuration names. A folder is made where it is missing, a bucket is not. With a logger, it is told at once when the store
 * cannot be used.
 */
export function createBlobStore(config: BlobStoreConfig, ledger: BlobLedger, logger?: Logger): BlobStore {
  const store = storeOf(config, ledger);
  if (logger)
    store.check().catch((error: unknown) => {
      logger.error({ reason: error instanceof Error ? error.message : String(error) }, 'the blob store cannot be used');
    });
  return tracedBlobStore(store);
}

function storeOf(config: BlobStoreConfig, ledger: BlobLedger): BlobStore {
  if (config.kind === 'file') return new FilesystemBlobStore(config.folder, ledger);
  return config.redirect ? new RedirectingS3BlobStore(config, ledger) : new S3BlobStore(config, ledger);
}
