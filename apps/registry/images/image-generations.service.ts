import { Injectable } from '@nestjs/common';
import { type ContentType, type Digest, type ImageStatus } from '#libs/contracts';
import { ImageEntity, type Transaction } from '../database/index.js';
import { JobsService } from '../jobs/jobs.service.js';

/**
 * Each upload, import or further inspection is a generation of its image, and what an older one still brings is dropped. The number is
 * raised first: the end of a cancelled job must find that nobody waits for it.
 */
@Injectable()
export class ImageGenerations {
  constructor(private readonly jobs: JobsService) {}

  /** Begins to bring content from the image's origin. */
  async beginImport(tx: Transaction, image: ImageEntity): Promise<void> {
    await this.next(tx, image, 'importing');
    await this.jobs.enqueueImport(tx, image);
  }

  /** Begins to inspect bytes that are in the blob store. `contentType` null: to be found out. */
  async beginInspection(
    tx: Transaction,
    image: ImageEntity,
    blob: { digest: Digest; size: number; contentType: ContentType | null },
  ): Promise<void> {
    await this.next(tx, image, 'importing');
    await this.jobs.enqueueInspection(tx, image, blob);
  }

  /** Nothing is awaited any more: the image is what its content makes it. */
  async withdraw(tx: Transaction, image: ImageEntity): Promise<void> {
    await this.next(tx, image, image.digest === null ? 'empty' : 'ready');
  }

  private async next(tx: Transaction, image: ImageEntity, status: ImageStatus): Promise<void> {
    image.generation += 1;
    image.status = status;
    const columns: object = { generation: image.generation, status, updatedAt: () => 'now()' };
    await tx.manager.update(ImageEntity, { id: image.id }, columns);
    await this.jobs.cancelOfImage(tx, image.id, { olderThan: image.generation });
  }
}
