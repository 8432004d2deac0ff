import { Injectable } from '@nestjs/common';
import {
  Jobs,
  type ContentType,
  type ConvertBlobPayload,
  type DeployImagePayload,
  type DeploymentStatus,
  type DisposeTemporariesPayload,
  type Empty,
  type ImportImagePayload,
  type InspectBlobPayload,
  type RemoveDeploymentPayload,
  type SealedEnvironment,
} from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { DeploymentEntity, EnvironmentEntity, type JobEntity, type Transaction } from '../database/index.js';
import { factsOfDerived } from '../conversions/variants.js';
import { DeploymentChanges } from '../deployments/deployment-changes.service.js';
import { conversionNamed, convertDetails } from './convert-details.js';
import { knownFacts } from './inspection-memory.js';
import { toSealedEnvironment } from '../environments/environment.contract.js';

type Payload =
  | ImportImagePayload
  | DisposeTemporariesPayload
  | DeployImagePayload
  | RemoveDeploymentPayload
  | InspectBlobPayload
  | ConvertBlobPayload
  | Empty;

/** What a worker is given with its claim. Made at that moment, so that it holds what is true now: the credentials above all. */
@Injectable()
export class PayloadsService {
  private readonly makers: Readonly<Record<string, (tx: Transaction, job: JobEntity) => Promise<Payload>>> = {
    [Jobs.importImage.action]: importPayload,
    [Jobs.disposeTemporaries.action]: disposalPayload,
    [Jobs.deployImage.action]: (tx, job) => this.deploy(tx, job),
    [Jobs.removeDeployment.action]: removalPayload,
    [Jobs.inspectBlob.action]: inspectionPayload,
    [Jobs.convertBlob.action]: (tx, job) => this.conversion(tx, job),
    [Jobs.collectGarbage.action]: async () => ({}),
  };

  constructor(private readonly changes: DeploymentChanges) {}

  /** Raises a final error where what the job is about is gone. */
  async of(tx: Transaction, job: JobEntity): Promise<Payload> {
    const make = this.makers[job.action];
    if (!make) throw new ViceError('NOT_FOUND', `this release knows no job "${job.action}"`);
    return make(tx, job);
  }

  private async deploy(tx: Transaction, job: JobEntity): Promise<DeployImagePayload> {
    const deployment = await deploymentOf(tx, job);
    await this.begun(tx, deployment, ['planned', 'converting'], 'exporting');
    const digest = deployment.variantDigest ?? deployment.digest;
    const size = deployment.variantSize ?? deployment.size;
    const contentType = deployment.variantContentType ?? deployment.contentType;
    const facts = (await knownFacts(tx, digest, contentType)) ?? (await factsOfDerived(tx, deployment.digest, digest));
    const { imageSpecifics } = deployment;
    return { ...(await common(tx, job, deployment)), digest, size, contentType, facts, imageSpecifics };
  }

  private async conversion(tx: Transaction, job: JobEntity): Promise<ConvertBlobPayload> {
    const { recipe, source } = convertDetails(job);
    const { to, subformat = null } = conversionNamed(recipe);
    if (job.deploymentId !== null) await this.begun(tx, await deploymentOf(tx, job), ['planned'], 'converting');
    return { source: { digest: job.digest ?? '', ...source }, recipe, to, subformat };
  }

  /** A later attempt, or a later conversion, changes nothing more. */
  private async begun(tx: Transaction, deployment: DeploymentEntity, from: DeploymentStatus[], status: DeploymentStatus) {
    if (!from.includes(deployment.status)) return;
    deployment.status = status;
    await this.changes.save(tx, deployment);
  }
}

async function importPayload(tx: Transaction, job: JobEntity): Promise<ImportImagePayload> {
  return {
    imageId: job.imageId ?? '',
    environment: await environmentOf(tx, job),
    reference: String(job.details.reference),
    marker: job.id,
    formerWriters: Array.from({ length: job.attempt - 1 }, (_, index) => `${job.id}.${job.attempt - 1 - index}`),
  };
}

async function disposalPayload(tx: Transaction, job: JobEntity): Promise<DisposeTemporariesPayload> {
  return { environment: await environmentOf(tx, job), marker: String(job.details.marker) };
}

async function removalPayload(tx: Transaction, job: JobEntity): Promise<RemoveDeploymentPayload> {
  return common(tx, job, await deploymentOf(tx, job));
}

async function inspectionPayload(_: Transaction, job: JobEntity): Promise<InspectBlobPayload> {
  return { digest: job.digest ?? '', size: Number(job.details.size), contentType: job.details.contentType as ContentType | null };
}

/** What deploying and removing have in common. The deployment's id is the marker of what is made for it. */
async function common(
  tx: Transaction,
  job: JobEntity,
  { id, title, specifics, reference }: DeploymentEntity,
): Promise<RemoveDeploymentPayload> {
  return { deploymentId: id, marker: id, title, specifics, reference, environment: await environmentOf(tx, job) };
}

/** Locked after its job, like everywhere. */
async function deploymentOf(tx: Transaction, job: JobEntity): Promise<DeploymentEntity> {
  const where = { id: job.deploymentId ?? '' };
  const deployment = await tx.manager.findOne(DeploymentEntity, { where, lock: { mode: 'pessimistic_write' } });
  if (!deployment) throw new ViceError('DEPLOYMENT_NOT_FOUND', 'the deployment does not exist any more');
  return deployment;
}

async function environmentOf(tx: Transaction, job: JobEntity): Promise<SealedEnvironment> {
  const environment =
    job.environmentId === null ? null : await tx.manager.findOneBy(EnvironmentEntity, { id: job.environmentId });
  if (!environment) throw new ViceError('ENVIRONMENT_NOT_FOUND', 'the environment does not exist any more');
  return toSealedEnvironment(environment);
}
