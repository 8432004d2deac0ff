/** The closed sets of words that the API, the calls and the database share. */

/** The last three can be uploaded and converted from; no environment takes them. */
export const CONTENT_TYPES = [
  'disk-raw',
  'disk-qcow2',
  'disk-vmdk',
  'docker-file',
  'docker-image',
  'packerfile',
  'disk-vdi',
  'disk-vhd',
  'disk-vhdx',
] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

export const IMAGE_TYPES = ['implicit', 'declarative'] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

export const MANAGEMENT_LAYER_TYPES = ['basic', 'cloudcomputing', 'containercluster', 'jobscheduler'] as const;
export type ManagementLayerType = (typeof MANAGEMENT_LAYER_TYPES)[number];

export const RUNTIME_TECHNOLOGY_TYPES = ['virtualmachine', 'container', 'application'] as const;
export type RuntimeTechnologyType = (typeof RUNTIME_TECHNOLOGY_TYPES)[number];

export const VISIBILITIES = ['private', 'public'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

export const IMAGE_STATUSES = ['empty', 'importing', 'ready', 'failed'] as const;
export type ImageStatus = (typeof IMAGE_STATUSES)[number];

export const DEPLOYMENT_STATUSES = ['planned', 'converting', 'exporting', 'deployed', 'removing', 'failed'] as const;
export type DeploymentStatus = (typeof DEPLOYMENT_STATUSES)[number];

export const JOB_KINDS = ['import', 'export', 'store'] as const;
export type JobKind = (typeof JOB_KINDS)[number];

export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Of a step of a deployment's plan: `planned` while it has no job, else its job's. */
export const PLAN_STEP_STATES = ['planned', ...JOB_STATES] as const;
export type PlanStepState = (typeof PLAN_STEP_STATES)[number];

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = string;

/**
 * The digest of a disk as its guest sees it, the same in every format: `disk-sha256-4m:` and 64 lower-case hexadecimal digits, SHA-256 over the
 * concatenated SHA-256 digests of its 4 MiB blocks in order, followed by its size in bytes as 8 bytes, big-endian.
 */
export type ContentDigest = string;

/** An instant as ISO 8601 in UTC with milliseconds: `2026-01-31T12:00:00.000Z`. */
export type Instant = string;
