import { Injectable } from '@nestjs/common';
import { Jobs, type InspectedBlob, type Json } from '#libs/contracts';
import { noteContentDigest } from '../../conversions/content-digests.js';
import { keptContentDigest } from '../../conversions/variants.js';
import { type JobEntity, type Transaction } from '../../database/index.js';
import { ImageContentService } from '../../images/image-content.service.js';
import { type JobEnding } from '../endings.service.js';
import { remember } from '../inspection-memory.js';

/** Inspected → the image is ready, or loses what came in. Of what no image waits for, only what was found is kept. */
@Injectable()
export class InspectionEnding implements JobEnding {
  readonly action = Jobs.inspectBlob.action;

  constructor(private readonly content: ImageContentService) {}

  async ended(tx: Transaction, job: JobEntity, result: Json | null): Promise<void> {
    const inspected = result as unknown as InspectedBlob | null;
    await remember(tx, job, inspected);
    const contentDigest = inspected && keptContentDigest(inspected);
    if (job.digest && inspected && contentDigest !== null)
      await noteContentDigest(tx, { digest: job.digest, contentType: inspected.contentType }, contentDigest);
    const image = await this.content.awaiting(tx, job);
    if (!image) return;
    if (!inspected || !job.digest) return this.content.failed(tx, image);
    await this.content.accepted(tx, image, {
      digest: job.digest,
      size: Number(job.details.size),
      contentType: inspected.contentType,
      contentDigest: inspected.contentDigest,
    });
  }
}
