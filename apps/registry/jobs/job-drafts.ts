import { randomUUID } from 'node:crypto';
import { Jobs, type ContentType, type Conversion, type Digest, type JobType } from '#libs/contracts';
import { recipeAfter } from '../conversions/conversion-plan.js';
import { type KeptVariant, type Original } from '../conversions/variants.js';
import { type DeploymentEntity, type ImageEntity, type JobEntity } from '../database/index.js';
import { asDetails, type ConvertDetails } from './convert-details.js';

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

/** Looks again at what is the content of images already: nobody waits for it. */
export const reinspectionDraft = (blob: { digest: Digest; size: number; contentType: ContentType }): JobDraft =>
  draft(Jobs.inspectBlob, {
    digest: blob.digest,
    bytesTotal: blob.size,
    details: { size: blob.size, contentType: blob.contentType },
  });

/** Makes the first of `steps` of a variant; the others follow it. */
export const convertDraft = (
  original: Original,
  from: Pick<KeptVariant, 'digest' | 'size' | 'contentType' | 'contentDigest' | 'recipe'>,
  [step, ...then]: readonly [Conversion, ...Conversion[]],
  whose: Pick<JobEntity, 'userId'> & Partial<Pick<JobEntity, 'imageId' | 'deploymentId'>> & Pick<ConvertDetails, 'wish'>,
): JobDraft => {
  const { wish, ...columns } = whose;
  const { size, contentType, contentDigest } = from;
  return draft(Jobs.convertBlob, {
    ...columns,
    digest: from.digest,
    bytesTotal: size,
    details: asDetails({
      original: original.digest,
      originalContentType: original.contentType,
      chain: recipeAfter(from.recipe, step),
      recipe: step.recipe,
      source: { size, contentType, contentDigest },
      then: then.map(({ recipe }) => recipe),
      wish,
    }),
  });
};

/** Brings what is to be exported, which is there, into the environment. */
export const deployDraft = (
  deployment: Pick<DeploymentEntity, 'id' | 'userId' | 'environmentId' | 'digest' | 'size' | 'variantDigest' | 'variantSize'>,
): JobDraft =>
  draft(Jobs.deployImage, {
    userId: deployment.userId,
    deploymentId: deployment.id,
    environmentId: deployment.environmentId,
    digest: deployment.variantDigest ?? deployment.digest,
    bytesTotal: deployment.variantSize ?? deployment.size,
  });

/** Takes a deployment down, or what a failed one left. */
export const removalDraft = (deployment: DeploymentEntity): JobDraft =>
  draft(Jobs.removeDeployment, {
    userId: deployment.userId,
    deploymentId: deployment.id,
    environmentId: deployment.environmentId,
  });

export const collectionDraft = (): JobDraft => draft(Jobs.collectGarbage, {});
