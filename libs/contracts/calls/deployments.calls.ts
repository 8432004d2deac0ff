import { type Deployment } from '../api/deployment.js';
import { type JsonObject } from '../vocabulary.js';
import { callTo, type Empty } from './call.js';

export interface DeploymentDraft {
  imageId: string;
  environmentId: string;
  title: string | null;
  specifics: JsonObject;
}

export const DeploymentCalls = {
  deployImage: callTo<{ userId: string; deployment: DeploymentDraft }, Deployment>('registry', 'deployment.create'),
  findDeployments: callTo<{ userId: string }, Deployment[]>('registry', 'deployment.find'),
  getDeployment: callTo<{ userId: string; deploymentId: string }, Deployment>('registry', 'deployment.get'),
  /** `forget` drops the record and leaves alone whatever stands in the environment. */
  deleteDeployment: callTo<{ userId: string; deploymentId: string; forget: boolean }, Empty>('registry', 'deployment.delete'),
};
