import { Injectable } from '@nestjs/common';
import { Jobs, type ImportedBlob, type Json } from '#libs/contracts';
import { type JobEntity, type Transaction } from '../../database/index.js';
import { ImageContentService } from '../../images/image-content.service.js';
import { type JobEnding } from '../endings.service.js';
import { inspectionDraft } from '../job-drafts.js';
import { JobOutbox } from '../job-outbox.js';

/** Imported → to be inspected. */
@Injectable()
export class ImportEnding implements JobEnding {
  readonly action = Jobs.importImage.action;

  constructor(
    private readonly content: ImageContentService,
    private readonly outbox: JobOutbox,
  ) {}

  async ended(tx: Transaction, job: JobEntity, result: Json | null): Promise<void> {
    const image = await this.content.awaiting(tx, job);
    if (!image) return;
    if (!result) return this.content.failed(tx, image);
    const imported = result as unknown as ImportedBlob;
    await this.content.arrived(tx, image, imported);
    await this.outbox.add(
      tx,
      inspectionDraft(image, { ...imported, contentType: image.saidContenttype ?? imported.contentType }),
    );
  }
}
