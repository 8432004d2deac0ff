import { type Readable, type Writable } from 'node:stream';
import { type Digest } from '#libs/contracts';

/** What the source of the bytes says of them; checked when they are committed. Checksums are lower-case hexadecimal, `size` in bytes. */
export interface PromisedContent {
  size?: number;
  sha256?: string;
  sha512?: string;
  md5?: string;
}

export interface StageOptions {
  /** `<job id>.<attempt>` or `upload-<id>`: names the staged bytes, and holds their space and their digest in the ledger. */
  writer: string;
  /** What the bytes are of, said as exactly as the source can. Kept beside them: what a former attempt staged is carried over only into the same. */
  source?: string;
  /** About how many bytes will come: reserved at once. Unknown, space is reserved in growing steps. `expected.size` counts as such. */
  size?: number;
  /** More than this is refused with IMAGE_TOO_LARGE. */
  maxBytes?: number;
  expected?: PromisedContent;
}

export interface OpenOptions {
  /** Who reads: a job's writer name or id, or a download's own id. The blob stays pinned for it while it is open. */
  holder: string;
  /** The registry has pinned it for this holder already, with the answer that named the digest. */
  pinned?: boolean;
}

export interface WorkspaceOptions {
  /** `<job id>.<attempt>` or `upload-<id>`, as for staged bytes; a writer has one or the other. */
  writer: string;
  /** About as much as will lie in it at most: reserved at once. */
  bytes: number;
}

/** Bytes under their digests, with a staging area for what is still coming in. Everything it makes is found again after a crash. */
export interface BlobStore {
  /** Begins to take in bytes. Raises STORAGE_FULL. */
  stage(options: StageOptions): Promise<StagedBlob>;
  /**
   * Copies what a former attempt had staged of the same source into `staged`, which must be empty, and hashes it; the former attempt's bytes
   * then go, of whatever source. Answers the number of bytes carried, 0 where there were none: the source is read on from there.
   */
  carryOver(formerWriter: string, staged: StagedBlob, signal?: AbortSignal): Promise<number>;
  /** An empty folder for programs that work on files; what former attempts of the job had there is gone. Raises STORAGE_FULL. */
  workspace(options: WorkspaceOptions): Promise<Workspace>;
  /** Raises BLOB_NOT_FOUND. */
  open(digest: Digest, options: OpenOptions): Promise<OpenBlob>;
  /** Every writer that has something staged, whether it still runs or not. */
  stagedWriters(): Promise<string[]>;
  /** Removes what a writer that has ended left behind; nothing there is no error. */
  removeStaged(writer: string): Promise<void>;
  /**
   * Removes the bytes of a condemned blob, durably; nothing there is no error. Only garbage collection may call it. `mayStill` is asked before each
   * try: it raises an error once another process may collect.
   */
  removeBytes(digest: Digest, mayStill?: () => void): Promise<void>;
  /** Rejects with the reason when bytes could neither be read nor written. */
  check(): Promise<void>;
}

/** A store that can be asked to hand its bytes to a client by itself. */
export interface RedirectingBlobStore extends BlobStore {
  /**
   * A URL that brings the bytes, ranges of them too, to whoever has it, for REDIRECT_SECONDS; the blob stays pinned for the holder at least so long.
   * Raises BLOB_NOT_FOUND.
   */
  redirect(digest: Digest, options: RedirectOptions): Promise<string>;
}

export interface RedirectOptions extends OpenOptions {
  /** What the store is to say of the bytes, as header fields have it. */
  contentType: string;
  contentDisposition: string;
}

/** How long such a URL works: a download that has begun by then goes on. */
export const REDIRECT_SECONDS = 900;

export const redirects = (store: BlobStore): store is RedirectingBlobStore => 'redirect' in store;

/** A store that holds so many bytes and no more: a folder does, a bucket doesn't. */
export interface BoundedBlobStore extends BlobStore {
  /** In bytes, at this moment; what is reserved counts as free. */
  space(): Promise<{ free: number; capacity: number }>;
}

export function isBounded(store: BlobStore): store is BoundedBlobStore {
  return 'space' in store;
}

/**
 * Bytes on their way in: a Writable that hashes what it stores, with backpressure and a few MiB of memory at most.
 * Use it with `await using`: left without commit or keep, it takes everything away again. Chunks must not be changed once they are written.
 */
export interface StagedBlob extends Writable, AsyncDisposable {
  readonly writer: string;
  readonly source: string | undefined;
  /** Bytes taken in so far, those carried over among them. */
  readonly bytesWritten: number;
  /**
   * Ends the stream where that is still to do, makes the bytes durable, reserves their digest and publishes them under it.
   * The digest stays held for the writer until its job ends, or for an upload until this is disposed: by then something must refer to it.
   * Raises what went wrong while writing, CHECKSUM_MISMATCH for what is not as promised, STORAGE_FULL.
   */
  commit(): Promise<{ digest: Digest; size: number }>;
  /** Drops the bytes and releases the hold. */
  cancel(): Promise<void>;
  /** Stops and leaves the bytes where they are, for a later attempt of the same job to carry over. */
  keep(): Promise<void>;
}

/** A folder on this machine. Use it with `await using`: it goes with all that is in it, but for what was published. */
export interface Workspace extends AsyncDisposable {
  /** Its absolute path. Nobody else of the machine's users may enter it. */
  readonly folder: string;
  /**
   * Begins what `commit` needs of a finished file directly in the folder, so that it can run beside something else that reads the file: hashes
   * it and makes it durable. The file must not be changed any more. Raises CONTENT_REFUSED for a link and the like.
   */
  seal(file: string): Promise<{ digest: Digest; size: number }>;
  /** Reserves the file's digest and publishes it; in a store of files, without copying it. The digest stays held as that of a staged blob does. */
  commit(file: string): Promise<{ digest: Digest; size: number }>;
}

/** A blob open for reading, pinned until it is disposed. */
export interface OpenBlob extends AsyncDisposable {
  readonly digest: Digest;
  readonly size: number;
  /** Shorter than `length` only at the end. `into` may be used for the bytes: what is answered is then a part of it. */
  read(position: number, length: number, into?: Buffer): Promise<Buffer>;
  /** Absolute path of a file that holds these bytes, for programs to read while this is open. Its name says nothing, and nobody may write to it. */
  file(): Promise<string>;
  /** All bytes, or a range of them, both ends inclusive. The stream fails when the blob is disposed before its end. */
  stream(range?: { start: number; end: number }): Readable;
}
