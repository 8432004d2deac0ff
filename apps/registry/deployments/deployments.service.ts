import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { acceptedBy, type ContentType, type Deployment, type DeploymentDraft } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Database, DeploymentEntity, EnvironmentEntity, ImageEntity, type Transaction } from '../database/index.js';
import { JobsService } from '../jobs/index.js';
import { DeploymentChanges } from './deployment-changes.service.js';
import { toDeployment } from './deployment.contract.js';

/** Puts images into environments, and takes them down again. */
@Injectable()
export class DeploymentsService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobsService,
    private readonly changes: DeploymentChanges,
  ) {}

  async create(userId: string, draft: DeploymentDraft): Promise<Deployment> {
    return this.database.transaction(async (tx) => {
      const { image, environment } = await bothOf(tx, userId, draft);
      const variant = await variantFor(tx, image, environment);
      const deployment = await this.changes.create(tx, {
        id: randomUUID(),
        userId,
        imageId: image.id,
        environmentId: environment.id,
        title: draft.title ?? image.title,
        specifics: draft.specifics,
        imageSpecifics: image.specifics,
        ...variant,
        status: 'planned',
        reference: null,
        receipt: null,
      });
      await this.jobs.enqueueDeploy(tx, deployment);
      return toDeployment(deployment);
    });
  }

  async find(userId: string): Promise<Deployment[]> {
    const deployments = await this.database.source.manager.find(DeploymentEntity, {
      where: { userId },
      order: { createdAt: 'DESC', id: 'DESC' },
    });
    return deployments.map(toDeployment);
  }

  async get(userId: string, id: string): Promise<Deployment> {
    const deployment = isUUID(id) ? await this.database.source.manager.findOneBy(DeploymentEntity, { id, userId }) : null;
    if (!deployment) throw notFound(id);
    return toDeployment(deployment);
  }

  /** It goes from the environment too, by a job; with `forget` only the record goes. */
  async delete(userId: string, id: string, forget: boolean): Promise<void> {
    await this.database.transaction(async (tx) => {
      const deployment = await this.locked(tx, userId, id);
      if (forget) {
        await this.jobs.cancelOfDeployment(tx, id);
        await this.changes.remove(tx, deployment);
        return;
      }
      deployment.status = 'removing';
      await this.changes.save(tx, deployment);
      // A running export is told to stop; when it has, or its lease is over, its ending begins the removal. So does that of one still waiting.
      await this.jobs.cancelDeploy(tx, id);
      if (!(await this.jobs.liveOfDeployment(tx, id))) await this.jobs.enqueueRemoval(tx, deployment);
    });
  }

  private async locked(tx: Transaction, userId: string, id: string): Promise<DeploymentEntity> {
    // The job first, then the deployment: the order in which the end of a job takes its locks.
    const live = isUUID(id) ? await this.jobs.liveOfDeployment(tx, id) : null;
    if (live) await tx.manager.query('SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE', [live.id]);
    const deployment = isUUID(id)
      ? await tx.manager.findOne(DeploymentEntity, { where: { id, userId }, lock: { mode: 'pessimistic_write' } })
      : null;
    if (!deployment) throw notFound(id);
    return deployment;
  }
}

const notFound = (id: string) => new ViceError('DEPLOYMENT_NOT_FOUND', `deployment ${id} does not exist`);

/** Both locked, so that neither they nor the content go before the deployment stands. */
async function bothOf(tx: Transaction, userId: string, { imageId, environmentId }: DeploymentDraft) {
  const image = await imageFor(tx, userId, imageId);
  const environment = await environmentFor(tx, userId, environmentId);
  if (!image || !environment) {
    const fields = [
      ...(image ? [] : [{ field: 'imageid', message: `there is no image ${imageId} that you can use` }]),
      ...(environment ? [] : [{ field: 'environmentId', message: `there is no environment ${environmentId} that you can use` }]),
    ];
    throw new ViceError('INVALID_INPUT', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), { fields });
  }
  if (!image.digest) throw new ViceError('IMAGE_NOT_READY', `image ${imageId} has no content yet: it is ${image.status}`);
  return { image, environment };
}

async function imageFor(tx: Transaction, userId: string, id: string): Promise<ImageEntity | null> {
  if (!isUUID(id)) return null;
  const where = [
    { id, userId },
    { id, visibility: 'public' as const },
  ];
  return tx.manager.findOne(ImageEntity, { where, lock: { mode: 'pessimistic_read' } });
}

async function environmentFor(tx: Transaction, userId: string, id: string): Promise<EnvironmentEntity | null> {
  if (!isUUID(id)) return null;
  const environment = await tx.manager.findOne(EnvironmentEntity, { where: { id, userId }, lock: { mode: 'pessimistic_read' } });
  return environment?.deletedAt ? null : environment;
}

/** The variant of the image that the environment likes best. */
async function variantFor(tx: Transaction, image: ImageEntity, environment: EnvironmentEntity) {
  const software = environment.managementlayer?.software;
  const accepted = acceptedBy(software);
  if (accepted.length === 0)
    throw new ViceError(
      'NO_PROVIDER',
      `nothing can be deployed into environments of ${software ? `software "${software}"` : 'unknown software'}: set managementlayer.software`,
    );
  const [variant] = (await tx.manager.query(
    `SELECT digest, size, content_type FROM variants WHERE source_digest = $1 AND content_type = ANY ($2) ORDER BY array_position($2, content_type) LIMIT 1`,
    [image.digest, accepted],
  )) as { digest: string; size: string; content_type: ContentType }[];
  if (variant) return { digest: variant.digest, size: Number(variant.size), contentType: variant.content_type };
  throw new ViceError(
    'NOT_DEPLOYABLE',
    `image ${image.id} is ${image.contenttype}, and ${software} takes ${accepted.join(' or ')}`,
  );
}
