export { BlobLedger, type SpaceNow } from './blob-ledger.js';
export {
  isBounded,
  type BlobStore,
  type BoundedBlobStore,
  type OpenBlob,
  type OpenOptions,
  type PromisedContent,
  REDIRECT_SECONDS,
  type RedirectingBlobStore,
  type RedirectOptions,
  redirects,
  type StagedBlob,
  type StageOptions,
  type Workspace,
  type WorkspaceOptions,
} from './blob-store.js';
export { createBlobStore } from './create-blob-store.js';
export { collectBlobs, sweepStaging, type Collector } from './garbage-collection.js';
export { watchStore } from './watch-store.js';
export { isJobWriter, isWriter } from './writer-name.js';
