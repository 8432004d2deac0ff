import { Controller, Inject } from '@nestjs/common';
import { type BlobStore } from '#libs/blobs';
import { Jobs, type InspectBlobPayload, type InspectedBlob } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { DEFAULT_LIMITS, inspect } from '#libs/image-formats';
import { JobHandler, type RunningJob } from '#libs/messaging';
import { CountedBytes } from './counted-bytes.js';
import { BLOB_STORE } from './tokens.js';

/** Finds out whether what came in is what it is said to be, whole and harmless. */
@Controller()
export class InspectionHandler {
  constructor(@Inject(BLOB_STORE) private readonly blobs: BlobStore) {}

  @JobHandler(Jobs.inspectBlob)
  async inspect({ digest, size, contentType }: InspectBlobPayload, job: RunningJob): Promise<InspectedBlob> {
    await using blob = await this.blobs.open(digest, { holder: job.writer });
    if (blob.size !== size)
      throw new ViceError('BLOB_NOT_FOUND', `the blob store holds ${blob.size} of the ${size} bytes of ${digest}`);
    job.setTotal(size);
    const bytes = new CountedBytes(blob, (more) => job.advance(more));
    const inspection = await inspect(bytes, contentType ?? undefined, DEFAULT_LIMITS, job.signal);
    bytes.countRest();
    return inspection;
  }
}
