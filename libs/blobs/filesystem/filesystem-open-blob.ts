import { open, type FileHandle } from 'node:fs/promises';
import { type Readable } from 'node:stream';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger } from '../blob-ledger.js';
import { type OpenBlob, type OpenOptions } from '../blob-store.js';
import { isJobWriter } from '../writer-name.js';
import { BlobStream } from './blob-stream.js';
import { isMissing } from './disk-error.js';
import { type Layout } from './layout.js';

/** A published file, held open: should it be deleted all the same, what is being read stays readable. */
export class FilesystemOpenBlob implements OpenBlob {
  private readonly streams = new Set<Readable>();
  private disposed = false;

  private constructor(
    readonly digest: Digest,
    readonly size: number,
    private readonly handle: FileHandle,
    private readonly path: string,
    private readonly letGo: () => Promise<void>,
  ) {}

  /** Raises BLOB_NOT_FOUND. */
  static async open(
    digest: Digest,
    { holder, pinned = false }: OpenOptions,
    layout: Layout,
    ledger: BlobLedger,
  ): Promise<FilesystemOpenBlob> {
    if (!pinned) await ledger.pin(holder, digest);
    const stopKeepingAlive = ledger.keepAlive(holder);
    const letGo = async () => {
      stopKeepingAlive();
      // What a job holds ends with the job; it may hold more than this. The rest expires where it cannot be released.
      if (!isJobWriter(holder)) await ledger.release(holder).catch(() => undefined);
    };
    let handle: FileHandle | undefined;
    try {
      handle = await open(layout.blob(digest), 'r');
      return new FilesystemOpenBlob(digest, (await handle.stat()).size, handle, layout.blob(digest), letGo);
    } catch (error) {
      await handle?.close();
      await letGo();
      if (isMissing(error))
        throw new ViceError('BLOB_NOT_FOUND', `the bytes of ${digest} are not in the blob store`, { cause: error });
      throw error;
    }
  }

  async read(position: number, length: number, into?: Buffer): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.size - position));
    const buffer = into && into.length >= wanted ? into.subarray(0, wanted) : Buffer.allocUnsafe(wanted);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.handle.read(buffer, filled, buffer.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async file(): Promise<string> {
    return this.path;
  }

  stream({ start, end }: { start: number; end: number } = { start: 0, end: this.size - 1 }): Readable {
    const stream = new BlobStream(this.handle, start, Math.min(end + 1, this.size));
    this.streams.add(stream);
    stream.on('error', () => undefined); // for whoever reads it; one that nobody reads must not end the process
    stream.once('close', () => this.streams.delete(stream));
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    for (const stream of this.streams) stream.destroy(new Error(`the blob ${this.digest} was closed while it was being read`));
    await this.handle.close();
    await this.letGo();
  }
}
