import { type Readable } from 'node:stream';
import {
  type ContentType,
  type Digest,
  type EnvironmentCheck,
  type Instant,
  type JsonObject,
  type RemoteImageListing,
} from '#libs/contracts';

/** An environment as a provider connects to it: `SealedEnvironment` with its seals opened. Never to be logged. */
export interface EnvironmentAccess {
  id: string;
  /** `managementlayer.software` as the user wrote it. */
  software: string | null;
  location: string | null;
  username: string | null;
  password: string | null;
  /** `credentials.specifics`, secrets merged in; keys as the user spelt them. */
  specifics: JsonObject;
}

/** What the operator of this server allows. */
export interface ConnectionPolicy {
  /** Patterns of socket paths that a Docker environment may name; `*` matches any characters, `/` too. */
  readonly unixSockets: readonly string[];
  /** CIDRs that no environment may be at. */
  readonly egressDeny: readonly string[];
}

/** One page of what can be imported. `next` is what to ask for the next page with; null on the last. */
export type RemoteImagePage = RemoteImageListing;

/** An image inside an environment, as it will be read. */
export interface RemoteImage {
  /** What `read` needs to find exactly these bytes again; more exact than what the user wrote, where that is possible. */
  reference: string;
  name: string | null;
  /** null: the environment doesn't know; the inspection finds out. */
  contentType: ContentType | null;
  /** Exact number of bytes that `read` gives; null: not known before they are read. */
  size: number | null;
  /** What the environment promises of the bytes that `read` gives, in hexadecimal. */
  checksums: { sha256?: string; sha512?: string; md5?: string };
  createdAt: Instant | null;
  /** What becomes the `specifics` of the image. */
  metadata: JsonObject;
  /** What the user should know of it, for the log of the import: what could not be kept. */
  notes?: readonly string[];
}

/** A blob on its way into an environment. */
export interface DeployableImage {
  title: string | null;
  contentType: ContentType;
  size: number;
  digest: Digest;
  /** The bytes from the beginning; may be asked for more than once. What is read counts as moved. */
  open(): Promise<Readable>;
  /**
   * Bytes from anywhere, for environments that ask for them in an order of their own; fewer only at the end. They count as moved only by `moved`. `into` may
   * be used for them: what is answered is then a part of it.
   */
  read(position: number, length: number, into?: Buffer): Promise<Buffer>;
  moved(bytes: number): void;
  /** What inspection finds in the bytes; its keys depend on the content type. */
  facts(): Promise<JsonObject>;
  /** Of the deployment. */
  specifics: JsonObject;
  /** Of the image. */
  imageSpecifics: JsonObject;
  /** The reference that a former attempt noted; absent where none came so far. */
  former?: string;
  /** Keeps a line of what the environment says with the job. */
  log(text: string): void;
}

/** What the environment itself says that it holds, compared with what was sent. */
export interface DeploymentReceipt {
  /** The id in the environment: `environmentReference` of the deployment. */
  reference: string;
  facts: JsonObject;
}

/** What is to be taken down. */
export interface DeployedThing {
  /** Absent where no attempt came so far as to note one. */
  reference?: string;
  marker: string;
  title: string | null;
  /** Of the deployment. */
  specifics: JsonObject;
}

/**
 * A kind of place images come from and go to. Every method of it and of its sessions may be called again after a crash.
 * Errors are ViceErrors: ENVIRONMENT_UNREACHABLE, ENVIRONMENT_FAILED and ENVIRONMENT_BUSY pass, CREDENTIALS_REFUSED,
 * ENVIRONMENT_MISCONFIGURED, ENVIRONMENT_REFUSED and LOCATION_DENIED don't.
 */
export interface EnvironmentProvider {
  /** `managementlayer.software` in lower case: `openstack`, `docker`, `bwlehrpool`. */
  readonly software: string;
  /** What it can take, best first. */
  readonly accepts: readonly ContentType[];
  /** Whatever runs in the session ends when `signal` aborts. */
  connect(environment: EnvironmentAccess, signal: AbortSignal): Promise<EnvironmentSession>;
}

export interface EnvironmentSession extends AsyncDisposable {
  /** A sign of life: raises what is wrong, or says in words what answered (`details`: versions, platform). */
  check(): Promise<Pick<EnvironmentCheck, 'message' | 'details'>>;
  /** What can be imported. `page` is the `next` of a former page. */
  list(page?: string): Promise<RemoteImagePage>;
  /** Raises REMOTE_IMAGE_NOT_FOUND. */
  describe(reference: string): Promise<RemoteImage>;
  /** The bytes, streamed. The stream fails when the environment goes silent, breaks off or says that it failed. */
  read(image: RemoteImage): Promise<Readable>;
  /**
   * Makes what `marker` names, or finds what a former attempt made of it. `onReference` is called before the bytes go; if it is refused,
   * what was made is removed. Raises RECEIPT_MISMATCH where the environment holds something else than was sent.
   */
  write(image: DeployableImage, marker: string, onReference: (reference: string) => Promise<void>): Promise<DeploymentReceipt>;
  /** What the environment itself says it holds under a reference; null: nothing. */
  verify(reference: string): Promise<DeploymentReceipt | null>;
  /** Takes away what `write` made for this marker, and nothing else. Removing what is gone is no error. */
  remove(what: DeployedThing): Promise<void>;
}

/** A session that can start reading in the middle. */
export interface ResumableSession extends EnvironmentSession {
  /** The bytes from `offset` on. */
  readFrom(image: RemoteImage, offset: number): Promise<Readable>;
}

/** A session that has to make something temporary before some references can be read: a container is committed, a server snapshot taken. */
export interface PreparingSession extends EnvironmentSession {
  needsPreparation(reference: string): boolean;
  /** Makes the temporary that `marker` names, or finds the one of a former attempt, and describes it. */
  prepare(reference: string, marker: string): Promise<RemoteImage>;
  /** Removes all temporaries of the marker. Removing what is gone is no error. */
  dispose(marker: string): Promise<void>;
}

export function isResumable(session: EnvironmentSession): session is ResumableSession {
  return 'readFrom' in session;
}

export function isPreparing(session: EnvironmentSession): session is PreparingSession {
  return 'prepare' in session;
}
