import { Injectable } from '@nestjs/common';
import {
  MAX_METADATA_CHARACTERS,
  softwareName,
  type ContentDigest,
  type ContentType,
  type Digest,
  type ImportedBlob,
  type JsonObject,
} from '#libs/contracts';
import { keptContentDigest } from '../conversions/variants.js';
import { EnvironmentEntity, ImageEntity, type JobEntity, type Transaction } from '../database/index.js';
import { ImageChanges } from './image-changes.service.js';

/** What becomes of an image as its content arrives, is accepted, or fails. Only the newest generation counts. */
@Injectable()
export class ImageContentService {
  constructor(private readonly changes: ImageChanges) {}

  /** The image of a job, locked, if it still waits for what that job brings. */
  async awaiting(tx: Transaction, job: JobEntity): Promise<ImageEntity | null> {
    if (job.imageId === null || job.generation === null) return null;
    return tx.manager.findOne(ImageEntity, {
      where: { id: job.imageId, generation: job.generation },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** The bytes are here; what the environment knew of them goes under `specifics`, by its software. */
  async arrived(tx: Transaction, image: ImageEntity, imported: ImportedBlob): Promise<void> {
    const origin =
      image.originEnvironmentId && (await tx.manager.findOneBy(EnvironmentEntity, { id: image.originEnvironmentId }));
    const software = softwareName(origin && origin.managementlayer?.software) || 'origin';
    const { metadata, name } = imported;
    if (Object.keys(metadata).length > 0 && isKeepable(metadata)) image.specifics = { ...image.specifics, [software]: metadata };
    image.title ??= name && asTitle(name);
    await this.save(tx, image);
  }

  /** Inspection found nothing wrong: this is the content from now on. */
  async accepted(
    tx: Transaction,
    image: ImageEntity,
    content: { digest: Digest; size: number; contentType: ContentType; contentDigest?: ContentDigest | null },
  ): Promise<void> {
    const { digest, size, contentType } = content;
    await tx.manager.query(
      `INSERT INTO variants (source_digest, content_type, digest, size, content_digest) VALUES ($1, $2, $1, $3, $4)
       ON CONFLICT (source_digest, content_type, recipe) DO UPDATE SET content_digest = coalesce(excluded.content_digest, variants.content_digest)`,
      [digest, contentType, size, keptContentDigest(content)],
    );
    Object.assign(image, { digest, size, contenttype: contentType, status: 'ready' });
    await this.save(tx, image);
  }

  /** The content there was before stays. */
  async failed(tx: Transaction, image: ImageEntity): Promise<void> {
    image.status = 'failed';
    await this.save(tx, image);
  }

  private async save(tx: Transaction, image: ImageEntity): Promise<void> {
    const { digest, size, contenttype, status, specifics, title } = image;
    const columns: object = { digest, size, contenttype, status, specifics, title, updatedAt: () => 'now()' };
    await tx.manager.update(ImageEntity, { id: image.id }, columns);
    await this.changes.changed(tx, [image.id]);
  }
}

/** An environment may say any amount; what is too much must not keep the image from being imported. */
const isKeepable = (metadata: JsonObject): boolean => JSON.stringify(metadata).length <= MAX_METADATA_CHARACTERS;

const asTitle = (name: string): string | null =>
  name
    .replace(/\p{Cc}/gu, '')
    .slice(0, 255)
    .replace(/\p{Cs}/gu, '') || null;
