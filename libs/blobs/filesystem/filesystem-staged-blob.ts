import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger } from '../blob-ledger.js';
import { type PromisedContent, type StagedBlob, type StageOptions } from '../blob-store.js';
import { type Algorithm } from '../hashing/hash-thread.js';
import { algorithmsFor, checkPromise } from '../promised-content.js';
import { isJobWriter } from '../writer-name.js';
import { diskError } from './disk-error.js';
import { type Layout } from './layout.js';
import { publish } from './publish.js';
import { ReservedSpace } from './reserved-space.js';
import { StagingFile } from './staging-file.js';

/** What may wait in the stream while pieces are under way, beside the piece that is being gathered. */
const WAITING_BYTES = 256 << 10;

type Done = (error?: Error | null) => void;

/** Bytes on their way into `<root>/staging`, and from there to their digest. */
export class FilesystemStagedBlob extends Writable implements StagedBlob {
  readonly writer: string;
  readonly source: string | undefined;
  bytesWritten = 0;
  private readonly promised: PromisedContent;
  private readonly maxBytes: number;
  private checksums: Partial<Record<Algorithm, string>> = {};
  private state: 'open' | 'published' | 'ended' = 'open';

  private constructor(
    options: StageOptions,
    private readonly layout: Layout,
    private readonly ledger: BlobLedger,
    private readonly space: ReservedSpace,
    private readonly file: StagingFile,
    private readonly stopKeepingAlive: () => void,
  ) {
    // The end of the stream, and its destruction, leave the file open until it is committed, kept or cancelled.
    super({ highWaterMark: WAITING_BYTES });
    this.writer = options.writer;
    this.source = options.source;
    this.promised = options.expected ?? {};
    this.maxBytes = options.maxBytes ?? Infinity;
    // What goes wrong is raised by the pipeline and by commit: nobody need listen besides.
    this.on('error', () => undefined);
  }

  /** Raises STORAGE_FULL, or IMAGE_TOO_LARGE where that is known beforehand. */
  static async begin(options: StageOptions, layout: Layout, ledger: BlobLedger): Promise<FilesystemStagedBlob> {
    const { writer, source, maxBytes = Infinity, expected = {}, size = expected.size } = options;
    const path = layout.staged(writer, source);
    if (expected.size !== undefined && expected.size > maxBytes) throw tooLarge(maxBytes);
    const space = new ReservedSpace(writer, layout, ledger, maxBytes);
    const stopKeepingAlive = ledger.keepAlive(writer);
    try {
      // The hold comes before the file, so that a sweep never takes this for something left behind.
      await space.begin(size === undefined ? undefined : Math.min(size, maxBytes));
      const file = await StagingFile.create(path, algorithmsFor(expected));
      return new FilesystemStagedBlob(options, layout, ledger, space, file, stopKeepingAlive);
    } catch (error) {
      stopKeepingAlive();
      await release(ledger, writer);
      throw diskError(error);
    }
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    const buffers = chunks.map(({ chunk }) => chunk);
    this.take(buffers, done);
  }

  override _final(done: Done): void {
    this.finish().then(() => done(), done);
  }

  async commit(): Promise<{ digest: Digest; size: number }> {
    if (!this.writableEnded) this.end();
    await finished(this);
    const blob = { digest: `sha256:${this.checksums.sha256}`, size: this.bytesWritten };
    checkPromise(this.promised, blob.size, this.checksums);
    await this.space.close();
    await publish(this.file, this.writer, blob, this.layout, this.ledger);
    this.state = 'published';
    await this.file.close();
    return blob;
  }

  async cancel(): Promise<void> {
    if (this.state !== 'open') return;
    await this.stop();
    await this.file.remove();
    await release(this.ledger, this.writer);
  }

  async keep(): Promise<void> {
    if (this.state === 'open') await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
    if (this.state !== 'published') return;
    this.state = 'ended';
    this.stopKeepingAlive();
    // A job's pin stays: only its report, which is still to come, makes something refer to the blob.
    if (!isJobWriter(this.writer)) await release(this.ledger, this.writer);
  }

  private async stop(): Promise<void> {
    this.state = 'ended';
    this.destroy();
    this.stopKeepingAlive();
    await this.space.close();
    await this.file.close();
  }

  private take(chunks: Buffer[], done: Done): void {
    let enough = false;
    for (const chunk of chunks) {
      this.bytesWritten += chunk.length;
      enough = this.file.gather(chunk);
    }
    if (this.bytesWritten > this.maxBytes) done(tooLarge(this.maxBytes));
    else if (enough) this.drain().then(() => done(), done);
    else done();
  }

  private async drain(): Promise<void> {
    await this.space.cover(this.bytesWritten);
    await this.file.drain();
  }

  private async finish(): Promise<void> {
    await this.space.cover(this.bytesWritten);
    this.checksums = await this.file.finish();
  }
}

/** What cannot be released now expires by itself, or ends with its job. */
async function release(ledger: BlobLedger, writer: string): Promise<void> {
  await ledger.release(writer).catch(() => undefined);
}

function tooLarge(maxBytes: number): ViceError {
  return new ViceError('IMAGE_TOO_LARGE', `the image is larger than ${maxBytes} bytes, the most that is taken here`);
}
