import { Injectable } from '@nestjs/common';
import { Jobs, type ContentType, type ConvertedBlob, type Json } from '#libs/contracts';
import { noteContentDigest } from '../../conversions/content-digests.js';
import { keepVariant, type KeptVariant } from '../../conversions/variants.js';
import { DeploymentEntity, type JobEntity, type Transaction } from '../../database/index.js';
import { DeploymentChanges } from '../../deployments/deployment-changes.service.js';
import { withNextJob } from '../../deployments/deployment-plan.js';
import { conversionsAfter, convertDetails, originalIn } from '../convert-details.js';
import { type JobEnding } from '../endings.service.js';
import { convertDraft, deployDraft, type JobDraft } from '../job-drafts.js';
import { JobOutbox } from '../job-outbox.js';

/** Converted → the next conversion, or the export where a deployment waits for it. */
@Injectable()
export class ConvertEnding implements JobEnding {
  readonly action = Jobs.convertBlob.action;

  constructor(
    private readonly changes: DeploymentChanges,
    private readonly outbox: JobOutbox,
  ) {}

  async ended(tx: Transaction, job: JobEntity, result: Json | null): Promise<void> {
    const converted = result as unknown as ConvertedBlob | null;
    if (converted) await noteDigestOfSource(tx, job, converted);
    const variant = converted && (await kept(tx, job, converted));
    const next = variant && nextConversion(job, variant);
    if (job.deploymentId !== null) return this.deployment(tx, job, variant, next);
    if (next) await this.outbox.add(tx, next);
  }

  /** Nothing of it stands in the environment yet: one that was deleted meanwhile is gone at once. */
  private async deployment(
    tx: Transaction,
    job: JobEntity,
    variant: KeptVariant | null,
    conversion: JobDraft | null,
  ): Promise<void> {
    const deployment = await tx.manager.findOneBy(DeploymentEntity, { id: job.deploymentId ?? '' });
    if (!deployment) return;
    if (deployment.status === 'removing') return this.changes.remove(tx, deployment);
    if (variant && !conversion) {
      const { digest, size, contentType } = variant;
      Object.assign(deployment, { variantDigest: digest, variantSize: size, variantContentType: contentType });
    }
    const next = variant && (conversion ?? deployDraft(deployment));
    if (next) {
      await this.outbox.add(tx, next);
      deployment.plan = withNextJob(deployment.plan ?? [], job.id, next.id);
    } else deployment.status = 'failed';
    await this.changes.save(tx, deployment);
  }
}

/** From disk to disk the content stays the same, by proof: so the content digest of the result is that of a source nobody looked at. */
async function noteDigestOfSource(tx: Transaction, job: JobEntity, { contentType, contentDigest }: ConvertedBlob): Promise<void> {
  const { source } = convertDetails(job);
  if (!job.digest || source.contentDigest !== null || !contentDigest || !isDisk(source.contentType) || !isDisk(contentType))
    return;
  await noteContentDigest(tx, { digest: job.digest, contentType: source.contentType }, contentDigest);
}

const isDisk = (contentType: ContentType): boolean => contentType.startsWith('disk-');

const kept = (tx: Transaction, job: JobEntity, converted: ConvertedBlob): Promise<KeptVariant | null> => {
  const details = convertDetails(job);
  return keepVariant(tx, originalIn(details), details.chain, { ...converted, derivedFrom: job.digest ?? '' });
};

function nextConversion(job: JobEntity, variant: KeptVariant): JobDraft | null {
  const details = convertDetails(job);
  const [step, ...more] = conversionsAfter(details);
  if (!step) return null;
  const { userId, imageId, deploymentId } = job;
  return convertDraft(originalIn(details), variant, [step, ...more], { userId, imageId, deploymentId, wish: details.wish });
}
