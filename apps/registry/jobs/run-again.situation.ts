import { Jobs, type JobState } from '#libs/contracts';
import { isBlobThere } from '../blobs/blob-there.js';
import { DeploymentEntity, type EnvironmentEntity, ImageEntity, type JobEntity, type Transaction } from '../database/index.js';
import { convertDetails, makingKey } from './convert-details.js';
import { removalDetails } from './removal-details.js';
import { type FailedJob } from './run-again.rules.js';

/** A failed job with what it has to do with, all of it locked until the transaction ends. */
export interface LockedSituation {
  job: FailedJob;
  image: ImageEntity | null;
  deployment: DeploymentEntity | null;
}

/** `job` is locked, and so is its environment. */
export async function situationOf(
  tx: Transaction,
  job: JobEntity,
  environment: EnvironmentEntity | null,
): Promise<LockedSituation> {
  const image = await imageOf(tx, job);
  const deployment = await deploymentOf(tx, job);
  await lockWork(tx, job);
  const { action, state, digest } = job;
  return {
    image,
    deployment,
    job: {
      ...{ action, state },
      image: awaitsContent(job) ? imageStateOf(job, image) : null,
      deployment: job.deploymentId === null ? null : (deployment?.status ?? 'gone'),
      environment: speaksToEnvironment(job) ? environmentStateOf(job, environment) : null,
      blob: digest === null ? null : (await isBlobThere(tx, digest)) ? 'there' : 'gone',
      rival: await rivalOf(tx, job),
      takesDeployment: action === Jobs.removeDeployment.action && removalDetails(job).takesDeployment,
    },
  };
}

/** Disposing needs no image; that of a deployment may be gone. */
const awaitsContent = ({ action, imageId }: JobEntity): boolean =>
  imageId !== null && [Jobs.importImage.action, Jobs.inspectBlob.action, Jobs.convertBlob.action].includes(action);

const speaksToEnvironment = ({ kind }: JobEntity): boolean => kind !== 'store';

async function imageOf(tx: Transaction, job: JobEntity): Promise<ImageEntity | null> {
  if (!awaitsContent(job)) return null;
  const where = { id: job.imageId ?? '' };
  return tx.manager.findOne(ImageEntity, { where, lock: { mode: 'pessimistic_write' } });
}

async function deploymentOf(tx: Transaction, job: JobEntity): Promise<DeploymentEntity | null> {
  if (job.deploymentId === null) return null;
  return tx.manager.findOne(DeploymentEntity, { where: { id: job.deploymentId }, lock: { mode: 'pessimistic_write' } });
}

/** A conversion for a download is for one who sees the image; whoever does not is told that it is gone. */
function imageStateOf(job: JobEntity, image: ImageEntity | null): FailedJob['image'] {
  if (!image) return 'gone';
  if (job.action !== Jobs.convertBlob.action) return image.generation === job.generation ? 'awaits' : 'has-newer';
  if (image.userId !== job.userId && image.visibility !== 'public') return 'gone';
  return image.digest === convertDetails(job).original ? 'awaits' : 'has-newer';
}

/** One that its user deleted, and that other jobs still need, will do for disposing alone. */
function environmentStateOf(job: JobEntity, environment: EnvironmentEntity | null): FailedJob['environment'] {
  if (!environment) return 'gone';
  return environment.deletedAt === null || job.action === Jobs.disposeTemporaries.action ? 'there' : 'gone';
}

/** Nobody begins the same meanwhile: a collection, or the conversion to the same form of the same image. */
async function lockWork({ manager }: Transaction, job: JobEntity): Promise<void> {
  const key = job.action === Jobs.collectGarbage.action ? job.action : makingOf(job);
  if (key !== null) await manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [key]);
}

function makingOf(job: JobEntity): string | null {
  const wish = job.action === Jobs.convertBlob.action ? convertDetails(job).wish : undefined;
  return wish && job.imageId !== null ? makingKey(job.imageId, wish) : null;
}

const SAME_DEPLOYMENT = 'other.deployment_id = own.deployment_id';

/** SQL: which other jobs must not run beside one of an action. */
const RIVALS: Readonly<Record<string, string>> = {
  [Jobs.importImage.action]: `other.action = 'dispose' AND other.details->>'marker' = own.id::text`,
  [Jobs.disposeTemporaries.action]: `(other.id::text = own.details->>'marker'
    OR other.action = 'dispose' AND other.details->>'marker' = own.details->>'marker')`,
  [Jobs.deployImage.action]: SAME_DEPLOYMENT,
  [Jobs.removeDeployment.action]: SAME_DEPLOYMENT,
  [Jobs.convertBlob.action]: `CASE WHEN own.deployment_id IS NOT NULL THEN ${SAME_DEPLOYMENT}
    ELSE other.action = 'convert' AND other.image_id = own.image_id AND other.details->'original' = own.details->'original'
     AND other.details->'wish' = own.details->'wish' END`,
  [Jobs.collectGarbage.action]: `other.action = 'collect'`,
};

async function rivalOf({ manager }: Transaction, { id, action }: JobEntity): Promise<FailedJob['rival']> {
  const rivals = RIVALS[action];
  if (!rivals) return null;
  const [rival] = (await manager.query(
    `SELECT other.id, other.action, other.state FROM jobs own JOIN jobs other ON other.id <> own.id
      WHERE own.id = $1 AND other.state IN ('queued', 'running') AND ${rivals} LIMIT 1`,
    [id],
  )) as { id: string; action: string; state: JobState }[];
  return rival ?? null;
}
