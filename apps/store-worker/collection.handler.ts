import { Controller, Inject } from '@nestjs/common';
import { BlobLedger, type BlobStore } from '#libs/blobs';
import { Jobs, type CollectedGarbage, type Empty } from '#libs/contracts';
import { JobHandler, type RunningJob } from '#libs/messaging';
import { BLOB_STORE } from './tokens.js';

const AT_ONCE = 100;

/** Takes away what nobody needs: the staged bytes of writers that have ended, and blobs that nothing refers to. */
@Controller()
export class CollectionHandler {
  constructor(@Inject(BLOB_STORE) private readonly blobs: BlobStore) {}

  @JobHandler(Jobs.collectGarbage)
  async collect(_: Empty, job: RunningJob): Promise<CollectedGarbage> {
    // What is condemned may be removed only while this attempt has its lease: after it another one may have, and the same bytes come anew.
    const ledger = new BlobLedger(job.ask);
    return {
      stagedWriters: await this.sweepStaging(ledger, job.signal),
      blobs: await this.collectBlobs(ledger, job.signal),
    };
  }

  private async sweepStaging(ledger: BlobLedger, signal: AbortSignal): Promise<number> {
    const writers = await this.blobs.stagedWriters();
    let swept = 0;
    for (let from = 0; from < writers.length; from += AT_ONCE) {
      for (const writer of await ledger.endedWriters(writers.slice(from, from + AT_ONCE))) {
        signal.throwIfAborted();
        await this.blobs.removeStaged(writer);
        swept++;
      }
    }
    return swept;
  }

  private async collectBlobs(ledger: BlobLedger, signal: AbortSignal): Promise<number> {
    let collected = 0;
    for (;;) {
      const digests = await ledger.condemn(AT_ONCE);
      if (digests.length === 0) return collected;
      for (const digest of digests) {
        signal.throwIfAborted();
        await this.blobs.removeBytes(digest);
      }
      await ledger.forget(digests);
      collected += digests.length;
    }
  }
}
