import { mkdir, readdir } from 'node:fs/promises';
import { type Digest } from '#libs/contracts';
import { type BlobLedger } from '../blob-ledger.js';
import { type Workspace, type WorkspaceOptions } from '../blob-store.js';
import { ReservedSpace } from '../reserved-space.js';
import { isEarlierAttempt, isJobWriter } from '../writer-name.js';
import { diskError } from './disk-error.js';
import { type Layout } from './layout.js';
import { publish } from './publish.js';
import { removeFolder } from './remove-folder.js';
import { SealedFiles } from './sealed-files.js';
import { spaceNow } from './space-now.js';

/** `<root>/staging/<writer>/`: a folder where programs work on files, and from which one of them is published. */
export class FilesystemWorkspace implements Workspace {
  private readonly files: SealedFiles;
  private state: 'open' | 'published' | 'ended' = 'open';

  private constructor(
    readonly folder: string,
    private readonly writer: string,
    private readonly layout: Layout,
    private readonly ledger: BlobLedger,
    private readonly letGo: (isPublished: boolean) => Promise<void>,
  ) {
    this.files = new SealedFiles(folder);
  }

  /** Raises STORAGE_FULL. */
  static async begin({ writer, bytes }: WorkspaceOptions, layout: Layout, ledger: BlobLedger): Promise<FilesystemWorkspace> {
    const folder = layout.staged(writer);
    await removeEarlier(writer, layout);
    const space = new ReservedSpace(writer, () => spaceNow(layout), ledger, bytes);
    const stopKeepingAlive = ledger.keepAlive(writer);
    const letGo = async (isPublished: boolean) => {
      stopKeepingAlive();
      await space.close();
      // A job's pin stays: only its report, which is still to come, makes something refer to the blob. What cannot be released expires by itself.
      if (!isPublished || !isJobWriter(writer)) await ledger.release(writer).catch(() => undefined);
    };
    try {
      // The hold comes before the folder, so that a sweep never takes this for something left behind.
      await space.begin(bytes);
      await mkdir(folder, { mode: 0o700 });
      return new FilesystemWorkspace(folder, writer, layout, ledger, letGo);
    } catch (error) {
      await letGo(false);
      throw diskError(error);
    }
  }

  async seal(file: string): Promise<{ digest: Digest; size: number }> {
    const { digest, size } = await this.files.seal(file);
    return { digest, size };
  }

  async commit(file: string): Promise<{ digest: Digest; size: number }> {
    const sealed = await this.files.seal(file);
    const { digest, size } = sealed;
    await publish(sealed, this.writer, { digest, size }, this.layout, this.ledger);
    this.state = 'published';
    return { digest, size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === 'ended') return;
    const isPublished = this.state === 'published';
    this.state = 'ended';
    await this.files.close();
    await removeFolder(this.folder);
    await this.letGo(isPublished);
  }
}

/** Whoever began them is fenced by now, and gives up by itself where it still runs. */
async function removeEarlier(writer: string, layout: Layout): Promise<void> {
  const earlier = (await readdir(layout.staging, { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && isEarlierAttempt(entry.name, writer),
  );
  for (const { name } of earlier) await removeFolder(layout.staged(name));
}
