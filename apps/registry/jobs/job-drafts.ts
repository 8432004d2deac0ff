import { randomUUID } from 'node:crypto';
import { Jobs, type ContentType, type Digest, type JobType } from '#libs/contracts';
import { type DeploymentEntity, type ImageEntity, type JobEntity } from '../database/index.js';

/** The row of a job that is to be made: what is absent gets the table's default. */
export type JobDraft = Pick<JobEntity, 'id' | 'kind' | 'queue' | 'action'> & Partial<JobEntity>;

const draft = (type: JobType<unknown, unknown>, columns: Partial<JobEntity>): JobDraft => ({
  id: randomUUID(),
  kind: type.kind,
  queue: type.queue,
  action: type.action,
  ...columns,
});

/** Brings the content of an image from its origin. */
export const importDraft = (image: ImageEntity): JobDraft =>
  draft(Jobs.importImage, {
    userId: image.userId,
    imageId: image.id,
    generation: image.generation,
    environmentId: image.originEnvironmentId,
    details: { reference: image.environmentReference },
  });

/** Disposes of the temporaries that an import may have left. They carry its id. */
export const disposalDraft = (ended: JobEntity): JobDraft =>
  draft(Jobs.disposeTemporaries, {
    userId: ended.userId,
    imageId: ended.imageId,
    generation: ended.generation,
    environmentId: ended.environmentId,
    details: { marker: ended.id },
  });

/** Looks at bytes before they become the content of an image. `contentType` null: to be found out. */
export const inspectionDraft = (
  image: Pick<ImageEntity, 'id' | 'userId' | 'generation'>,
  blob: { digest: Digest; size: number; contentType: ContentType | null },
): JobDraft =>
  draft(Jobs.inspectBlob, {
    userId: image.userId,
    imageId: image.id,
    generation: image.generation,
    digest: blob.digest,
    bytesTotal: blob.size,
    details: { size: blob.size, contentType: blob.contentType },
  });

export const deployDraft = (deployment: DeploymentEntity): JobDraft =>
  draft(Jobs.deployImage, {
    userId: deployment.userId,
    deploymentId: deployment.id,
    environmentId: deployment.environmentId,
    digest: deployment.digest,
    bytesTotal: deployment.size,
  });

/** Takes a deployment down, or what a failed one left. */
export const removalDraft = (deployment: DeploymentEntity): JobDraft =>
  draft(Jobs.removeDeployment, {
    userId: deployment.userId,
    deploymentId: deployment.id,
    environmentId: deployment.environmentId,
  });

export const collectionDraft = (): JobDraft => draft(Jobs.collectGarbage, {});
