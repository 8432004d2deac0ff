import { type Deployment, type Environment, type Image, type Job, type Variant } from '#libs/contracts';
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
  contentDigest: null,
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
  status: 'converting',
  plan: [
    {
      ...{ kind: 'store', action: 'convert', from: 'docker-image', to: 'disk-qcow2', recipe: 'docker-image-to-disk-qcow2/1' },
      ...{
        state: 'failed',
        jobId: '3c4d5e6f-d9cb-469f-a165-70867728950e',
        error: { code: 'CONTENT_REFUSED', message: 'no init' },
      },
    },
    { kind: 'export', action: 'deploy', contenttype: 'disk-qcow2', state: 'planned', jobId: null, error: null },
  ],
  receipt: null,
  createdAt: AT,
  updatedAt: AT,
};

export const JOB: Job = {
  id: '3c4d5e6f-d9cb-469f-a165-70867728950e',
  userid: ADA.id,
  imageid: IMAGE_ID,
  deploymentid: null,
  environmentId: ENVIRONMENT_ID,
  kind: 'import',
  action: 'import',
  state: 'failed',
  attempt: 1,
  bytesDone: 1,
  bytesTotal: null,
  percent: null,
  bytesPerSecond: 0,
  error: { code: 'ENVIRONMENT_UNREACHABLE', message: 'no answer' },
  deadLetters: { count: 2, lastAt: AT, reason: 'rejected' },
  createdAt: AT,
  startedAt: AT,
  endedAt: null,
};

export const VARIANTS: Variant[] = [
  {
    contenttype: 'disk-raw',
    digest: `sha256:${'1'.repeat(64)}`,
    size: 7,
    contentDigest: `disk-sha256-4m:${'2'.repeat(64)}`,
    createdAt: AT,
  },
  {
    ...{
      contenttype: 'disk-qcow2',
      digest: `sha256:${'3'.repeat(64)}`,
      size: 5,
      contentDigest: `disk-sha256-4m:${'2'.repeat(64)}`,
    },
    ...{ derivedFrom: `sha256:${'1'.repeat(64)}`, recipe: 'disk-raw-to-disk-qcow2/1', tool: 'qemu-img 7.2.22' },
    ...{ arguments: ['convert', '-f', 'raw', '-O', 'qcow2'], createdAt: AT },
  },
];
