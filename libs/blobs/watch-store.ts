import { type Metrics } from '#libs/observability';
import { isBounded, type BlobStore } from './blob-store.js';

/** Has the metrics tell whether the store answers, and how much place it has left, where it has bounds. */
export function watchStore(store: BlobStore, metrics: Metrics): void {
  metrics.blobSpace.watch(async () => {
    await store.check();
    return isBounded(store) ? store.space() : undefined;
  });
}
