import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { type ImageCalls, type ImageContent, type RequestOf } from '#libs/contracts';
import { BlobLedgerService } from '../blobs/blob-ledger.service.js';
import { Database, ImageEntity } from '../database/index.js';
import { lockOwnImage, lockVisibleImage, noContent, requireOwner } from './image-access.js';
import { ImageChanges } from './image-changes.service.js';
import { ImageGenerations } from './image-generations.service.js';

/** What uploads and downloads ask; their bytes go past the registry. */
@Injectable()
export class ImageTransfersService {
  constructor(
    private readonly database: Database,
    private readonly ledger: BlobLedgerService,
    private readonly generations: ImageGenerations,
    private readonly changes: ImageChanges,
  ) {}

  async beginUpload(userId: string, imageId: string): Promise<void> {
    const image = isUUID(imageId) ? await this.database.source.manager.findOneBy(ImageEntity, { id: imageId }) : null;
    requireOwner(image, userId, imageId);
  }

  /** The bytes are in the blob store, reserved by `writer`: their inspection is committed with the image's new generation. */
  async commitUpload({ userId, imageId, writer, digest, size }: RequestOf<typeof ImageCalls.commitUpload>): Promise<void> {
    await this.database.transaction(async (tx) => {
      const image = await lockOwnImage(tx, userId, imageId);
      await this.ledger.pinWithin(tx, writer, digest);
      await this.generations.beginInspection(tx, image, { digest, size, contentType: image.saidContenttype });
      await this.changes.changed(tx, [image.id]);
    });
  }

  /** `viewer` null: someone who has not logged in. */
  async openContent(viewer: string | null, imageId: string, holder: string): Promise<ImageContent> {
    return this.database.transaction(async (tx) => {
      const image = await lockVisibleImage(tx, viewer, imageId);
      const { digest, size, contenttype, title } = image;
      if (digest === null || size === null || contenttype === null) throw noContent(image);
      await this.ledger.pinWithin(tx, holder, digest);
      return { digest, size, contentType: contenttype, title };
    });
  }
}
