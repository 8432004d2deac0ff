import { type Deployment, type Environment, type Image, type Job } from '#libs/contracts';
import { ADA } from './test-gateway.js';

const AT = '2026-01-31T12:00:00.000Z';
export const IMAGE_ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
export const ENVIRONMENT_ID = '1a2b3c4d-d9cb-469f-a165-70867728950e';
export const DEPLOYMENT_ID = '2b3c4d5e-d9cb-469f-a165-70867728950e';

export const ENVIRONMENT: Environment = {
  id: ENVIRONMENT_ID,
  title: 'engine <1>',
  userid: ADA.id,
  credentials: { location: 'tcp://engine:2376', username: null, specifics: { ca: 'PEM' } },
  runtimetechnology: null,
  managementlayer: { type: 'basic', software: 'docker', version: '26.1' },
  createdAt: AT,
  updatedAt: AT,
};

export const IMAGE: Image = {
  id: IMAGE_ID,
  userid: ADA.id,
  title: 'Büsy & Box',
  description: null,
  tags: ['a', 'b'],
  visibility: 'private',
  imagetype: 'implicit',
  contenttype: 'docker-image',
  imported: true,
  status: 'ready',
  size: 12,
  digest: `sha256:${'0'.repeat(64)}`,
  originEnvironment: ENVIRONMENT,
  environmentReference: 'busybox:latest',
  specifics: { a: { b: 1 } },
  createdAt: AT,
  updatedAt: AT,
};

export const DEPLOYMENT: Deployment = {
  id: DEPLOYMENT_ID,
  userid: ADA.id,
  title: 'd',
  imageid: IMAGE_ID,
  environmentId: ENVIRONMENT_ID,
  environmentReference: null,
  specifics: {},
  status: 'planned',
  receipt: null,
  createdAt: AT,
  updatedAt: AT,
};

export const JOB: Job = {
  id: '3c4d5e6f-d9cb-469f-a165-70867728950e',
  kind: 'import',
  action: 'import',
  state: 'failed',
  attempt: 1,
  bytesDone: 1,
  bytesTotal: null,
  bytesPerSecond: 0,
  error: { code: 'ENVIRONMENT_UNREACHABLE', message: 'no answer' },
  createdAt: AT,
  startedAt: AT,
  endedAt: null,
};
