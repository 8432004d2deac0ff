import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { acceptedBy, reluctantlyAcceptedBy, type ContentType, type Deployment, type DeploymentDraft } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Database, DeploymentEntity, EnvironmentEntity, ImageEntity, type Transaction } from '../database/index.js';
import { originalOf, PlansService } from '../conversions/plans.service.js';
import { variantsOf } from '../conversions/variants.js';
import { JobsService } from '../jobs/index.js';
import { convertDraft, deployDraft } from '../jobs/job-drafts.js';
import { DeploymentChanges } from './deployment-changes.service.js';
import { planOf } from './deployment-plan.js';
import { wishesOf } from './deployment-wishes.js';
import { toDeployments } from './deployment.contract.js';

/** Puts images into environments, and takes them down again. */
@Injectable()
export class DeploymentsService {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobsService,
    private readonly changes: DeploymentChanges,
    private readonly plans: PlansService,
  ) {}

  /** What fits goes as it is. What does not is converted first, by jobs of the deployment. */
  async create(userId: string, draft: DeploymentDraft): Promise<Deployment> {
    return this.database.transaction(async (tx) => {
      const { image, environment } = await bothOf(tx, userId, draft);
      const accepted = acceptedIn(environment);
      const reluctantly = reluctantlyAcceptedBy(environment.managementlayer?.software);
      const wish = { ...wishesOf(draft.specifics, accepted), reluctantly };
      const variants = await variantsOf(tx, image, { keep: true });
      if (!variants) throw new ViceError('IMAGE_NOT_READY', `image ${image.id} has no content yet: it is ${image.status}`);
      const way = await this.plans.find(tx, variants, wish, (reason) => notDeployable(image, environment, reason));
      const [{ digest, size, contentType }] = variants;
      const chosen = 'variant' in way ? way.variant : null;
      const deployment = {
        id: randomUUID(),
        ...{ userId, imageId: image.id, environmentId: environment.id },
        ...{ title: draft.title ?? image.title, specifics: draft.specifics, imageSpecifics: image.specifics },
        ...{ digest, size, contentType },
        variantDigest: chosen?.digest ?? null,
        variantSize: chosen?.size ?? null,
        variantContentType: chosen?.contentType ?? null,
        ...{ status: 'planned' as const, reference: null, receipt: null },
      };
      const whose = { userId, deploymentId: deployment.id };
      const job = 'variant' in way ? deployDraft(deployment) : convertDraft(originalOf(variants), way.from, way.steps, whose);
      await this.jobs.enqueue(tx, job);
      return this.changes.create(tx, { ...deployment, plan: planOf(way, job.id) });
    });
  }

  async find(userId: string): Promise<Deployment[]> {
    const deployments = await this.database.source.manager.find(DeploymentEntity, {
      where: { userId },
      order: { createdAt: 'DESC', id: 'DESC' },
    });
    return toDeployments(this.database.source.manager, deployments);
  }

  async get(userId: string, id: string): Promise<Deployment> {
    const deployment = isUUID(id) ? await this.database.source.manager.findOneBy(DeploymentEntity, { id, userId }) : null;
    if (!deployment) throw notFound(id);
    const [shown] = await toDeployments(this.database.source.manager, [deployment]);
    return shown!;
  }

  /** It goes from the environment too, by a job, where anything was ever to go there; with `forget` only the record goes. */
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
      // A conversion that ends leaves nothing to remove, and the deployment is gone.
      await this.jobs.cancelDeploy(tx, id);
      if (await this.jobs.liveOfDeployment(tx, id)) return;
      if (!(await tx.manager.existsBy(DeploymentEntity, { id }))) return;
      if (await this.jobs.wasToBeExported(tx, id)) await this.jobs.enqueueRemoval(tx, deployment);
      else await this.changes.remove(tx, deployment);
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

/** Best first. Raises NO_PROVIDER where nothing is known of such environments. */
function acceptedIn({ managementlayer }: EnvironmentEntity): readonly ContentType[] {
  const software = managementlayer?.software;
  const accepted = acceptedBy(software);
  if (accepted.length > 0) return accepted;
  throw new ViceError(
    'NO_PROVIDER',
    `nothing can be deployed into environments of ${software ? `software "${software}"` : 'unknown software'}: set managementlayer.software`,
  );
}

const notDeployable = (image: ImageEntity, { managementlayer }: EnvironmentEntity, reason: string): ViceError =>
  new ViceError('NOT_DEPLOYABLE', `image ${image.id} cannot be deployed into ${managementlayer?.software}: ${reason}`);
