import { type Empty } from './calls/call.js';
import { type SealedEnvironment } from './calls/environments.calls.js';
import { type Subformat } from './conversions.js';
import { type ContentDigest, type ContentType, type Digest, type JobKind, type JsonObject } from './vocabulary.js';

/** A queue that jobs wait in. Every worker of a kind serves all queues of that kind. */
export const JOB_QUEUES = ['import', 'export', 'store', 'convert'] as const;
export type JobQueue = (typeof JOB_QUEUES)[number];

/** A sort of job: where it waits, what its worker is given with the claim, what it reports. One declaration types both ends. */
export interface JobType<Payload, Result> {
  readonly kind: JobKind;
  readonly queue: JobQueue;
  readonly action: string;
  readonly __payload?: Payload;
  readonly __result?: Result;
}

const jobType = <Payload, Result>(kind: JobKind, action: string, queue: JobQueue = kind): JobType<Payload, Result> => ({
  kind,
  action,
  queue,
});

/** All that crosses the broker of a job: the row in the registry holds the rest. */
export interface JobMessage {
  jobId: string;
  attempt: number;
  /** Of the HTTP request that caused it; absent where none did. */
  requestId?: string;
  /** W3C `traceparent` of what goes on in the worker. */
  traceParent?: string;
}

export interface ImportImagePayload {
  imageId: string;
  environment: SealedEnvironment;
  reference: string;
  /** Under which temporaries in the environment are made and found again; the same for every attempt. */
  marker: string;
  /** Writer names of former attempts, latest first, whose staged bytes may be carried over. */
  formerWriters: string[];
}

/** More characters of JSON than these are not kept of what an environment knew of an image. */
export const MAX_METADATA_CHARACTERS = 262_144;

export interface ImportedBlob {
  digest: Digest;
  size: number;
  contentType: ContentType | null;
  /** What the environment knew of the image; becomes the title where there is none, and `specifics`. */
  name: string | null;
  metadata: JsonObject;
}

export interface DisposeTemporariesPayload {
  environment: SealedEnvironment;
  marker: string;
}

export interface DeployImagePayload {
  deploymentId: string;
  environment: SealedEnvironment;
  /** The deployment's id: the name by which what we make is found again. */
  marker: string;
  title: string | null;
  digest: Digest;
  size: number;
  contentType: ContentType;
  /** What inspection found in the content; null where that is not known any more. */
  facts: JsonObject | null;
  /** Of the deployment. */
  specifics: JsonObject;
  /** Of the image. */
  imageSpecifics: JsonObject;
  /** What a former attempt noted. */
  reference: string | null;
}

export interface DeployedImage {
  reference: string;
  receipt: JsonObject;
}

export interface RemoveDeploymentPayload {
  deploymentId: string;
  environment: SealedEnvironment;
  marker: string;
  title: string | null;
  specifics: JsonObject;
  reference: string | null;
}

export interface InspectBlobPayload {
  digest: Digest;
  size: number;
  /** What the content is said to be; null: to be found out. */
  contentType: ContentType | null;
}

export interface InspectedBlob {
  contentType: ContentType;
  facts: JsonObject;
  /** null for what is no disk. */
  contentDigest: ContentDigest | null;
}

export interface ConvertBlobPayload {
  source: { digest: Digest; size: number; contentType: ContentType; contentDigest: ContentDigest | null };
  /** Of the table of conversions. */
  recipe: string;
  to: ContentType;
  subformat: Subformat | null;
}

export interface ConvertedBlob {
  digest: Digest;
  size: number;
  contentType: ContentType;
  facts: JsonObject;
  contentDigest: ContentDigest | null;
  /** Name and version: `qemu-img 7.2.22`. */
  tool: string;
  /** What it was called with, paths left out of account. */
  arguments: string[];
}

export interface CollectedGarbage {
  blobs: number;
  stagedWriters: number;
}

export const Jobs = {
  importImage: jobType<ImportImagePayload, ImportedBlob>('import', 'import'),
  disposeTemporaries: jobType<DisposeTemporariesPayload, Empty>('import', 'dispose'),
  deployImage: jobType<DeployImagePayload, DeployedImage>('export', 'deploy'),
  removeDeployment: jobType<RemoveDeploymentPayload, Empty>('export', 'remove'),
  inspectBlob: jobType<InspectBlobPayload, InspectedBlob>('store', 'inspect'),
  convertBlob: jobType<ConvertBlobPayload, ConvertedBlob>('store', 'convert', 'convert'),
  collectGarbage: jobType<Empty, CollectedGarbage>('store', 'collect'),
};

/** Each once, in order. */
export const JOB_ACTIONS: readonly string[] = Object.values(Jobs).map(({ action }) => action);

/** Queues that workers of a kind serve; the first one's consumers are the workers that runtimestats counts. */
export const QUEUES_OF_KIND: Readonly<Record<JobKind, readonly JobQueue[]>> = {
  import: ['import'],
  export: ['export'],
  store: ['store', 'convert'],
};
