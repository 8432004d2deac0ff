import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { access, constants, rm, statfs } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger } from '../blob-ledger.js';
import {
  type BoundedBlobStore,
  type OpenBlob,
  type OpenOptions,
  type StagedBlob,
  type StageOptions,
  type Workspace,
  type WorkspaceOptions,
} from '../blob-store.js';
import { SLOT_BYTES } from '../hashing/slot-pool.js';
import { StagedTransfer } from '../staged-transfer.js';
import { checkedWriter } from '../writer-name.js';
import { diskError, isMissing } from './disk-error.js';
import { makeFolder, syncFolder } from './durable.js';
import { FilesystemOpenBlob } from './filesystem-open-blob.js';
import { FilesystemWorkspace } from './filesystem-workspace.js';
import { Layout } from './layout.js';
import { publish } from './publish.js';
import { removeFolder } from './remove-folder.js';
import { spaceNow } from './space-now.js';
import { stagedFiles } from './staged-files.js';
import { StagingFile } from './staging-file.js';

/** Blobs as files in one folder, which several processes may share. */
export class FilesystemBlobStore implements BoundedBlobStore {
  private readonly layout: Layout;
  private folders: Promise<void> | undefined;

  constructor(
    root: string,
    private readonly ledger: BlobLedger,
  ) {
    this.layout = new Layout(root);
  }

  async stage(options: StageOptions): Promise<StagedBlob> {
    await this.makeFolders();
    const { layout, ledger } = this;
    const path = layout.staged(options.writer, options.source);
    return await StagedTransfer.begin(options, {
      ledger,
      spaceNow: () => spaceNow(layout),
      open: (algorithms) =>
        StagingFile.create(path, algorithms, (file, blob) => publish(file, options.writer, blob, layout, ledger)),
      translate: diskError,
    });
  }

  async workspace(options: WorkspaceOptions): Promise<Workspace> {
    await this.makeFolders();
    return await FilesystemWorkspace.begin(options, this.layout, this.ledger);
  }

  async carryOver(formerWriter: string, staged: StagedBlob, signal?: AbortSignal): Promise<number> {
    const former = createReadStream(this.layout.staged(formerWriter, staged.source), { highWaterMark: SLOT_BYTES });
    try {
      await once(former, 'open');
      await pipeline(former, staged, { end: false, signal });
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    await this.removeStaged(formerWriter);
    return former.bytesRead;
  }

  async open(digest: Digest, options: OpenOptions): Promise<OpenBlob> {
    return await FilesystemOpenBlob.open(digest, options, this.layout, this.ledger);
  }

  async stagedWriters(): Promise<string[]> {
    await this.makeFolders();
    return [...new Set((await stagedFiles(this.layout)).map(({ writer }) => writer))];
  }

  async removeStaged(writer: string): Promise<void> {
    checkedWriter(writer);
    await this.makeFolders();
    for (const staged of await stagedFiles(this.layout)) if (staged.writer === writer) await removeFolder(staged.path);
  }

  async removeBytes(digest: Digest): Promise<void> {
    await rm(this.layout.blob(digest), { force: true });
    // The row of the ledger goes next: bytes that came back after a power failure would then belong to nobody.
    await syncFolder(this.layout.shard(digest)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  async check(): Promise<void> {
    try {
      await this.makeFolders();
      for (const folder of [this.layout.staging, this.layout.blobs])
        await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ViceError('UNAVAILABLE', `the blob store at ${this.layout.root} cannot be written to: ${reason}`, {
        cause: error,
      });
    }
  }

  async space(): Promise<{ free: number; capacity: number }> {
    await this.makeFolders();
    const { bavail, blocks, bsize } = await statfs(this.layout.root);
    return { free: bavail * bsize, capacity: blocks * bsize };
  }

  private async makeFolders(): Promise<void> {
    this.folders ??= Promise.all([makeFolder(this.layout.staging), makeFolder(this.layout.blobs)]).then(() => undefined);
    try {
      await this.folders;
    } catch (error) {
      this.folders = undefined;
      throw diskError(error);
    }
  }
}
