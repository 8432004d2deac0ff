import { type Metrics } from '#libs/observability';
import { isBounded, type BlobStore } from './blob-store.js';

/** Has the metrics tell how much place the store has left, where it has bounds. */
export function watchSpace(store: BlobStore, metrics: Metrics): void {
  if (isBounded(store)) metrics.blobSpace.watch(() => store.space());
}
