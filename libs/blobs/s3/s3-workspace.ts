import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger, type SpaceNow } from '../blob-ledger.js';
import { type Workspace, type WorkspaceOptions } from '../blob-store.js';
import { diskError } from '../filesystem/disk-error.js';
import { SealedFiles } from '../filesystem/sealed-files.js';
import { ReservedSpace } from '../reserved-space.js';
import { SLOT_BYTES } from '../hashing/slot-pool.js';
import { checkedWriter, isEarlierAttempt, isJobWriter } from '../writer-name.js';
import { type Scratch, type ScratchSpace } from './scratch.js';
import { type StagedSegments } from './staged-segments.js';

/** What a workspace needs of its store. */
export interface WorkspaceIn {
  scratch: Scratch;
  ledger: BlobLedger;
  spaceNow: () => Promise<SpaceNow>;
  /** Whether these bytes are in the store already, once their digest is reserved for the writer. */
  isStored: (writer: string, blob: { digest: Digest; size: number }) => Promise<boolean>;
  /** Begins to send a file under the writer's name. */
  open: (writer: string) => Promise<StagedSegments>;
}

/** A folder in scratch where programs work on files, and from which one of them is sent to the store. */
export class S3Workspace implements Workspace {
  readonly folder: string;
  private readonly files: SealedFiles;
  private state: 'open' | 'published' | 'ended' = 'open';

  private constructor(
    private readonly writer: string,
    private readonly place: ScratchSpace,
    private readonly store: WorkspaceIn,
    private readonly letGo: (isPublished: boolean) => Promise<void>,
  ) {
    this.folder = place.path;
    this.files = new SealedFiles(place.path);
  }

  /** Raises STORAGE_FULL. */
  static async begin({ writer, bytes }: WorkspaceOptions, store: WorkspaceIn): Promise<S3Workspace> {
    const { scratch, ledger, spaceNow } = store;
    checkedWriter(writer);
    // Whoever began them is fenced by now, and gives up by itself where it still runs.
    for (const name of await scratch.names()) if (isEarlierAttempt(name, writer)) await scratch.remove(name);
    const space = new ReservedSpace(writer, spaceNow, ledger, bytes);
    const stopKeepingAlive = ledger.keepAlive(writer);
    const letGo = async (isPublished: boolean) => {
      stopKeepingAlive();
      await space.close();
      // A job's pin stays: only its report, which is still to come, makes something refer to the blob. What cannot be released expires by itself.
      if (!isPublished || !isJobWriter(writer)) await ledger.release(writer).catch(() => undefined);
    };
    let place: ScratchSpace | undefined;
    try {
      await space.begin(bytes);
      place = await scratch.reserve(writer, bytes);
      await mkdir(place.path, { mode: 0o700 });
      return new S3Workspace(writer, place, store, letGo);
    } catch (error) {
      await place?.remove();
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
    const blob = { digest: sealed.digest, size: sealed.size };
    await sealed.sync();
    if (!(await this.store.isStored(this.writer, blob))) await this.send(sealed.path, blob);
    this.state = 'published';
    return blob;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === 'ended') return;
    const isPublished = this.state === 'published';
    this.state = 'ended';
    await this.files.close();
    await this.place.remove();
    await this.letGo(isPublished);
  }

  private async send(path: string, blob: { digest: Digest; size: number }): Promise<void> {
    const staging = await this.store.open(this.writer);
    try {
      for await (const chunk of createReadStream(path, { highWaterMark: SLOT_BYTES }))
        if (staging.gather(chunk as Buffer)) await staging.drain();
      const { sha256 } = await staging.finish();
      if (`sha256:${sha256}` !== blob.digest) throw new ViceError('INTERNAL', 'a file was changed after it had been hashed');
      await staging.publish(blob);
      await staging.close();
    } catch (error) {
      await staging.close();
      await staging.remove().catch(() => undefined);
      throw error;
    }
  }
}
