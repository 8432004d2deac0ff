import { Controller, Inject } from '@nestjs/common';
import { BlobLedger, collectBlobs, sweepStaging, type BlobStore } from '#libs/blobs';
import { Jobs, type CollectedGarbage, type Empty } from '#libs/contracts';
import { JobHandler, type RunningJob } from '#libs/messaging';
import { BLOB_STORE } from './tokens.js';

/** Takes away what nobody needs: the staged bytes of writers that have ended, and blobs that nothing refers to. */
@Controller()
export class CollectionHandler {
  constructor(@Inject(BLOB_STORE) private readonly blobs: BlobStore) {}

  @JobHandler(Jobs.collectGarbage)
  async collect(_: Empty, job: RunningJob): Promise<CollectedGarbage> {
    const ledger = new BlobLedger(job.ask);
    return {
      stagedWriters: await sweepStaging(this.blobs, ledger, job),
      blobs: await collectBlobs(this.blobs, ledger, job),
    };
  }
}
