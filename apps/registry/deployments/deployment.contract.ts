import { type Deployment, type PlanStep } from '#libs/contracts';
import { In, type EntityManager } from 'typeorm';
import { JobEntity, type DeploymentEntity, type KeptStep } from '../database/index.js';

/** Deployments as their owner sees them: the reference only once what it names is complete, and each step with the state of its job. */
export async function toDeployments(manager: EntityManager, deployments: readonly DeploymentEntity[]): Promise<Deployment[]> {
  const ids = deployments.flatMap(({ plan }) => plan ?? []).flatMap(({ jobId }) => jobId ?? []);
  const jobs = ids.length === 0 ? [] : await manager.findBy(JobEntity, { id: In(ids) });
  const byId = new Map(jobs.map((job) => [job.id, job]));
  return deployments.map((deployment) => toDeployment(deployment, byId));
}

function toDeployment(deployment: DeploymentEntity, jobs: ReadonlyMap<string, JobEntity>): Deployment {
  return {
    id: deployment.id,
    userid: deployment.userId,
    title: deployment.title,
    imageid: deployment.imageId,
    environmentId: deployment.environmentId,
    environmentReference: deployment.status === 'deployed' ? deployment.reference : null,
    specifics: deployment.specifics,
    status: deployment.status,
    plan: (deployment.plan ?? []).map((step) => toStep(step, jobs.get(step.jobId ?? ''))),
    receipt: deployment.receipt,
    createdAt: deployment.createdAt.toISOString(),
    updatedAt: deployment.updatedAt.toISOString(),
  };
}

function toStep({ jobId, ...step }: KeptStep, job: JobEntity | undefined): PlanStep {
  const error = job && job.errorCode !== null ? { code: job.errorCode, message: job.errorMessage ?? '' } : null;
  return { ...step, state: job?.state ?? 'planned', jobId, error };
}
