import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { Jobs, type Digest, type Image, type ImageDraft, type Job } from '#libs/contracts';
import { Database, ImageEntity, JobEntity, type Transaction } from '../database/index.js';
import { EventsService } from '../events/events.service.js';
import { JobsService } from '../jobs/jobs.service.js';
import { lockOwnImage, noSuchImage, requireOwner } from './image-access.js';
import { ImageChanges } from './image-changes.service.js';
import { ImageGenerations } from './image-generations.service.js';
import { ImageOriginService } from './image-origin.service.js';
import { isSameDisk, SELECT_IMAGES, toImage, type ImageRow, type ImageWithOriginRow } from './image.contract.js';
import { BLANK, changed, hasOrigin, stepAfter, type ImageSituation } from './image.rules.js';

/** Bytes on their way through inspection. */
interface ArrivedBlob {
  digest: Digest;
  size: number;
}

const SAME_DISKS_AT_MOST = 100;

@Injectable()
export class ImagesService {
  constructor(
    private readonly database: Database,
    private readonly origins: ImageOriginService,
    private readonly generations: ImageGenerations,
    private readonly changes: ImageChanges,
    private readonly jobs: JobsService,
    private readonly events: EventsService,
  ) {}

  /** `viewer` null: someone who has not logged in. */
  async get(viewer: string | null, imageId: string): Promise<Image> {
    const [row] = isUUID(imageId)
      ? await this.database.query<ImageWithOriginRow>(
          `${SELECT_IMAGES} WHERE i.id = $1 AND (i.visibility = 'public' OR i.user_id = $2)`,
          [imageId, viewer],
        )
      : [];
    if (!row) throw noSuchImage(imageId);
    const image = toImage(row, row, viewer);
    const sameDisk = row.content_digest === null ? [] : await this.sameDisk(viewer, row);
    return sameDisk.length === 0 ? image : { ...image, sameDisk };
  }

  /** Other images of the same disk, in whatever format, among those that the viewer may see. */
  private async sameDisk(viewer: string | null, { id, content_digest }: ImageRow): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT i.id FROM images i WHERE ${isSameDisk('$1')} AND i.id <> $2 AND (i.visibility = 'public' OR i.user_id = $3)
        ORDER BY i.created_at DESC, i.id DESC LIMIT ${SAME_DISKS_AT_MOST}`,
      [content_digest, id, viewer],
    );
    return rows.map((row) => row.id);
  }

  /** With an origin and a reference, an import begins. */
  async create(userId: string, draft: ImageDraft): Promise<Image> {
    return this.database.transaction(async (tx) => {
      const id = randomUUID();
      const origin = draft.originEnvironment ? await this.origins.idOf(tx, userId, draft.originEnvironment) : null;
      const columns: object = { id, userId, ...changed(BLANK, draft, origin), generation: 0, status: 'empty' };
      await tx.manager.insert(ImageEntity, columns);
      const image = await tx.manager.findOneByOrFail(ImageEntity, { id });
      if (hasOrigin(image)) await this.generations.beginImport(tx, image);
      return this.told(tx, id);
    });
  }

  async update(userId: string, imageId: string, draft: ImageDraft): Promise<Image> {
    return this.database.transaction(async (tx) => {
      const image = await lockOwnImage(tx, userId, imageId);
      const { situation, arrived } = await situationOf(tx, image);
      const origin = await this.originAfter(tx, image, draft);
      const after = changed(image, draft, origin);
      const columns: object = { ...after, updatedAt: () => 'now()' };
      await tx.manager.update(ImageEntity, { id: image.id }, columns);
      const step = stepAfter(situation, after);
      Object.assign(image, after);
      if (step === 'import') await this.generations.beginImport(tx, image);
      if (step === 'withdraw') await this.generations.withdraw(tx, image);
      const blob = step === 'inspect-arrived' ? arrived : step === 'inspect-content' ? contentOf(image) : null;
      if (blob) await this.generations.beginInspection(tx, image, { ...blob, contentType: image.saidContenttype });
      return this.told(tx, image.id);
    });
  }

  /** Its imports and inspections are cancelled. Deployments stay: they have what they need of it. */
  async delete(userId: string, imageId: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { id } = await lockOwnImage(tx, userId, imageId);
      await tx.manager.delete(ImageEntity, { id });
      await this.jobs.cancelOfImage(tx, id);
      this.events.record(tx, userId, { type: 'image-deleted', data: { id } });
    });
  }

  /** For the owner alone: what environments said of errors is not for others. */
  async jobsOf(userId: string, imageId: string): Promise<Job[]> {
    const image = isUUID(imageId) ? await this.database.source.manager.findOneBy(ImageEntity, { id: imageId }) : null;
    requireOwner(image, userId, imageId);
    return this.jobs.ofImage(image.id);
  }

  private async originAfter(tx: Transaction, image: ImageEntity, { originEnvironment }: ImageDraft): Promise<string | null> {
    if (originEnvironment === undefined) return image.originEnvironmentId;
    return originEnvironment && this.origins.idOf(tx, image.userId, originEnvironment);
  }

  private async told(tx: Transaction, imageId: string): Promise<Image> {
    const [image] = await this.changes.changed(tx, [imageId]);
    if (!image) throw noSuchImage(imageId);
    return image;
  }
}

const contentOf = ({ digest, size }: ImageEntity): ArrivedBlob | null =>
  digest === null || size === null ? null : { digest, size };

async function situationOf(
  tx: Transaction,
  image: ImageEntity,
): Promise<{ situation: ImageSituation; arrived: ArrivedBlob | null }> {
  const jobs = await tx.manager.findBy(JobEntity, { imageId: image.id, generation: image.generation });
  const live = jobs.filter(({ state }) => state === 'queued' || state === 'running');
  const importing = live.some(({ action }) => action === Jobs.importImage.action);
  const inspection = live.find(({ action }) => action === Jobs.inspectBlob.action);
  return {
    situation: {
      ...image,
      flight: importing ? 'import' : inspection ? 'inspect' : null,
      importedLast: jobs.some(({ action }) => action === Jobs.importImage.action),
    },
    arrived: inspection?.digest ? { digest: inspection.digest, size: inspection.bytesTotal ?? 0 } : null,
  };
}
