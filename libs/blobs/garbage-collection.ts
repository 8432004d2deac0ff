import { type BlobLedger } from './blob-ledger.js';
import { type BlobStore } from './blob-store.js';

const AT_ONCE = 100;

/**
 * Who collects. Asked before each removal: it must raise an error once another process may collect, which could finish with a condemned blob,
 * and the same bytes could come anew. An abort signal alone would not do: its timer is late where the process was suspended.
 */
export interface Collector {
  throwIfStopped(): void;
}

/** Removes what writers that have ended left in staging. Answers how many writers' bytes went. */
export async function sweepStaging(store: BlobStore, ledger: BlobLedger, collector: Collector): Promise<number> {
  const writers = await store.stagedWriters();
  let swept = 0;
  for (let from = 0; from < writers.length; from += AT_ONCE) {
    for (const writer of await ledger.endedWriters(writers.slice(from, from + AT_ONCE))) {
      collector.throwIfStopped();
      await store.removeStaged(writer);
      swept++;
    }
  }
  return swept;
}

/** Removes every blob that nothing refers to and nobody holds: condemned by the registry, then the bytes, then forgotten. Answers how many went. */
export async function collectBlobs(store: BlobStore, ledger: BlobLedger, collector: Collector): Promise<number> {
  let collected = 0;
  for (;;) {
    const digests = await ledger.condemn(AT_ONCE);
    if (digests.length === 0) return collected;
    for (const digest of digests) {
      collector.throwIfStopped();
      await store.removeBytes(digest, () => collector.throwIfStopped());
    }
    await ledger.forget(digests);
    collected += digests.length;
  }
}
