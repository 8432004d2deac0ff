import { type Deployment } from '#libs/contracts';
import { type DeploymentEntity } from '../database/index.js';

/** A deployment as its owner sees it: the reference only once what it names is complete. */
export function toDeployment(deployment: DeploymentEntity): Deployment {
  return {
    id: deployment.id,
    userid: deployment.userId,
    title: deployment.title,
    imageid: deployment.imageId,
    environmentId: deployment.environmentId,
    environmentReference: deployment.status === 'deployed' ? deployment.reference : null,
    specifics: deployment.specifics,
    status: deployment.status,
    receipt: deployment.receipt,
    createdAt: deployment.createdAt.toISOString(),
    updatedAt: deployment.updatedAt.toISOString(),
  };
}
