import { pipeline } from 'node:stream/promises';
import { type S3StoreConfig } from '#libs/config';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger, type SpaceNow } from '../blob-ledger.js';
import {
  type BlobStore,
  type OpenBlob,
  type OpenOptions,
  type StagedBlob,
  type StageOptions,
  type Workspace,
  type WorkspaceOptions,
} from '../blob-store.js';
import { type Algorithm } from '../hashing/hash-thread.js';
import { StagedTransfer } from '../staged-transfer.js';
import { checkedWriter, isJobWriter, isWriter } from '../writer-name.js';
import { atOnce } from './at-once.js';
import { Bucket, type Upload } from './bucket.js';
import { publishObject } from './publish-object.js';
import { s3Client } from './s3-client.js';
import { S3Layout } from './s3-layout.js';
import { S3OpenBlob } from './s3-open-blob.js';
import { S3Workspace } from './s3-workspace.js';
import { Scratch } from './scratch.js';
import { LEAST_PART_BYTES, SEGMENTS, type SegmentPlan } from './segment-plan.js';
import { StagedSegments } from './staged-segments.js';

const REMOVED_AT_ONCE = 8;
/** That it can be written to is tried no more often than this: whoever asks whether we are ready asks every few seconds. */
const WRITE_EVERY_MS = 60_000;

/** Blobs as objects in one bucket, which many processes may share. */
export class S3BlobStore implements BlobStore {
  protected readonly bucket: Bucket;
  protected readonly layout: S3Layout;
  private readonly scratch: Scratch;
  private wroteAt = -Infinity;
  private readonly segmentsOf = new WeakMap<StagedBlob, StagedSegments>();

  constructor(
    config: S3StoreConfig,
    protected readonly ledger: BlobLedger,
    private readonly plan: SegmentPlan = SEGMENTS,
  ) {
    this.bucket = new Bucket(s3Client(config), config.bucket);
    this.layout = new S3Layout(config.prefix);
    this.scratch = Scratch.at(config.scratch);
  }

  async stage(options: StageOptions): Promise<StagedBlob> {
    let segments: StagedSegments | undefined;
    checkedWriter(options.writer);
    const staged = await StagedTransfer.begin(options, {
      ledger: this.ledger,
      spaceNow: () => this.spaceNow(),
      open: async (algorithms) => (segments = await this.segments(options.writer, options.source, algorithms)),
      translate: (error) => error,
    });
    this.segmentsOf.set(staged, segments!);
    return staged;
  }

  async workspace(options: WorkspaceOptions): Promise<Workspace> {
    return await S3Workspace.begin(options, {
      scratch: this.scratch,
      ledger: this.ledger,
      spaceNow: () => this.spaceNow(),
      isStored: async (writer, { digest, size }) => {
        await this.ledger.reserveBlob(writer, digest, size);
        return (await this.bucket.head(this.layout.blob(digest)))?.size === size;
      },
      open: (writer) => this.segments(writer, undefined, ['sha256']),
    });
  }

  async carryOver(formerWriter: string, staged: StagedBlob, signal?: AbortSignal): Promise<number> {
    const into = this.segmentsOf.get(staged);
    if (!into || !(staged instanceof StagedTransfer)) throw new ViceError('INTERNAL', 'this was not staged by this store');
    for (const segment of await this.prefixOf(this.layout.staged(formerWriter, staged.source))) {
      // What is too short for a part in the middle can only be the last: it is written again, with what comes after it.
      if (segment.size >= LEAST_PART_BYTES) await staged.adopt(segment.size, () => into.adopt(segment, signal));
      else await pipeline(await this.bucket.get(segment.key, null, 0, segment.size, signal), staged, { end: false, signal });
    }
    await this.removeStaged(formerWriter);
    return staged.bytesWritten;
  }

  async open(digest: Digest, { holder, pinned = false }: OpenOptions): Promise<OpenBlob> {
    const key = this.layout.blob(digest);
    if (!pinned) await this.ledger.pin(holder, digest);
    const stopKeepingAlive = this.ledger.keepAlive(holder);
    const letGo = async () => {
      stopKeepingAlive();
      // What a job holds ends with the job; it may hold more than this. The rest expires where it cannot be released.
      if (!isJobWriter(holder)) await this.ledger.release(holder).catch(() => undefined);
    };
    try {
      const object = await this.bucket.head(key);
      if (!object) throw new ViceError('BLOB_NOT_FOUND', `the bytes of ${digest} are not in the blob store`);
      return new S3OpenBlob(digest, key, object, this.bucket, this.scratch, letGo);
    } catch (error) {
      await letGo();
      throw error;
    }
  }

  async stagedWriters(): Promise<string[]> {
    const { bucket, layout } = this;
    const [folders, uploads, local] = await Promise.all([
      bucket.folders(layout.staging),
      bucket.uploads(layout.staging),
      this.scratch.names(),
    ]);
    const remote = [...folders, ...uploads.map(({ key }) => key)].map((key) => layout.writerOf(key));
    return [...new Set([...remote, ...local])].filter((writer): writer is string => writer !== null && isWriter(writer));
  }

  async removeStaged(writer: string): Promise<void> {
    for (const prefix of this.layout.ofWriter(writer)) {
      for (const upload of await this.bucket.uploads(prefix)) await this.bucket.abortUpload(upload);
      const keys = (await this.bucket.list(prefix)).map(({ key }) => key);
      for (const key of keys.filter((each) => each.endsWith('/publishing'))) await this.abortPublishing(key);
      await atOnce(keys, REMOVED_AT_ONCE, (key) => this.bucket.remove(key));
    }
    await this.scratch.remove(writer);
  }

  async removeBytes(digest: Digest, mayStill?: () => void): Promise<void> {
    await this.bucket.remove(this.layout.blob(digest), mayStill);
  }

  async check(): Promise<void> {
    await this.bucket.check();
    if (performance.now() - this.wroteAt > WRITE_EVERY_MS) {
      await this.bucket.put(this.layout.check, Buffer.alloc(0));
      this.wroteAt = performance.now();
    }
    await this.scratch.folder();
  }

  private async segments(writer: string, source: string | undefined, algorithms: Algorithm[]): Promise<StagedSegments> {
    const { bucket, layout, ledger, plan } = this;
    return await StagedSegments.begin({
      ...{ bucket, layout, plan, algorithms, folder: layout.staged(writer, source) },
      publish: async (staged, blob) => {
        const { keys, folder } = staged;
        await publishObject({ writer, blob, folder, keys }, bucket, layout, ledger);
        // What stays is swept.
        await staged.remove().catch(() => undefined);
      },
    });
  }

  /** What was staged there from its first byte on, without a gap. */
  private async prefixOf(folder: string): Promise<{ key: string; size: number }[]> {
    const segments = (await this.bucket.list(folder)).filter(({ key }) => this.layout.segmentOf(folder, key) !== null);
    const gap = segments.findIndex(({ key }, index) => this.layout.segmentOf(folder, key) !== index);
    return gap < 0 ? segments : segments.slice(0, gap);
  }

  private async abortPublishing(key: string): Promise<void> {
    const found = await this.bucket.head(key);
    if (!found || found.size === 0) return;
    const chunks = await (await this.bucket.get(key, null, 0, found.size)).toArray();
    await this.bucket.abortUpload(JSON.parse(Buffer.concat(chunks).toString()) as Upload);
  }

  /** The bucket is as large as any; what lies in workspaces is on this machine. */
  private async spaceNow(): Promise<SpaceNow> {
    const staged: Record<string, number> = {};
    for (const name of await this.scratch.names()) if (isWriter(name)) staged[name] = await this.scratch.bytes(name);
    return { freeBytes: Number.MAX_SAFE_INTEGER, staged };
  }
}
