import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type BlobLedger, type SpaceNow } from './blob-ledger.js';
import { type PromisedContent, type StagedBlob, type StageOptions } from './blob-store.js';
import { type Algorithm } from './hashing/hash-thread.js';
import { algorithmsFor, checkPromise } from './promised-content.js';
import { ReservedSpace } from './reserved-space.js';
import { isJobWriter } from './writer-name.js';

/** What may wait in the stream while pieces are under way, beside the piece that is being gathered. */
const WAITING_BYTES = 256 << 10;

type Done = (error?: Error | null) => void;

/** Where the bytes of one transfer go, in order. The first failure is kept and raised by everything that follows. */
export interface Staging {
  /** The chunk must not be changed any more. Answers whether there is enough now to be worth a `drain`. */
  gather(chunk: Buffer): boolean;
  /** Sends off what is full, waiting while too much is under way. */
  drain(): Promise<void>;
  /** Everything is stored and hashed. Answers the checksums by algorithm. */
  finish(): Promise<Partial<Record<Algorithm, string>>>;
  /** Under its digest, durably. Reserves the digest first. Raises UNAVAILABLE where what was staged has been swept away. */
  publish(blob: { digest: Digest; size: number }): Promise<void>;
  /** Before `close`: sees to it that what has come so far can be carried over, as far as that goes. Raises nothing. */
  keep(): Promise<void>;
  /** Stops, and leaves what there is for a later attempt; after `publish`, only lets go of what it holds. */
  close(): Promise<void>;
  /** After `close`: takes away what there is. */
  remove(): Promise<void>;
}

/** What a store brings along for a transfer into it. */
export interface TransferInto {
  ledger: BlobLedger;
  spaceNow: () => Promise<SpaceNow>;
  /** Begins with nothing, where nobody has begun. */
  open: (algorithms: Algorithm[]) => Promise<Staging>;
  /** A failure in words for the user. */
  translate: (error: unknown) => unknown;
}

/** Bytes on their way into staging, and from there to their digest. */
export class StagedTransfer extends Writable implements StagedBlob {
  readonly writer: string;
  readonly source: string | undefined;
  bytesWritten = 0;
  private readonly promised: PromisedContent;
  private readonly maxBytes: number;
  private checksums: Partial<Record<Algorithm, string>> = {};
  private state: 'open' | 'published' | 'ended' = 'open';

  private constructor(
    options: StageOptions,
    private readonly ledger: BlobLedger,
    private readonly space: ReservedSpace,
    private readonly staging: Staging,
    private readonly stopKeepingAlive: () => void,
  ) {
    // The end of the stream, and its destruction, leave the staging open until it is committed, kept or cancelled.
    super({ highWaterMark: WAITING_BYTES });
    this.writer = options.writer;
    this.source = options.source;
    this.promised = options.expected ?? {};
    this.maxBytes = options.maxBytes ?? Infinity;
    // What goes wrong is raised by the pipeline and by commit: nobody need listen besides.
    this.on('error', () => undefined);
  }

  /** Raises STORAGE_FULL, or IMAGE_TOO_LARGE where that is known beforehand. */
  static async begin(options: StageOptions, { ledger, spaceNow, open, translate }: TransferInto): Promise<StagedTransfer> {
    const { writer, maxBytes = Infinity, expected = {}, size = expected.size } = options;
    if (expected.size !== undefined && expected.size > maxBytes) throw tooLarge(maxBytes);
    const space = new ReservedSpace(writer, spaceNow, ledger, maxBytes);
    const stopKeepingAlive = ledger.keepAlive(writer);
    try {
      // The hold comes before the bytes, so that a sweep never takes them for something left behind.
      await space.begin(size === undefined ? undefined : Math.min(size, maxBytes));
      const staging = await open(algorithmsFor(expected));
      return new StagedTransfer(options, ledger, space, staging, stopKeepingAlive);
    } catch (error) {
      stopKeepingAlive();
      await release(ledger, writer);
      throw translate(error);
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
    await this.staging.publish(blob);
    this.state = 'published';
    await this.staging.close();
    return blob;
  }

  async cancel(): Promise<void> {
    if (this.state !== 'open') return;
    await this.stop();
    await this.staging.remove();
    await release(this.ledger, this.writer);
  }

  /** Takes in bytes that are stored already, once `bring` has them hashed: what a former attempt had staged. */
  async adopt(bytes: number, bring: () => Promise<void>): Promise<void> {
    if (this.bytesWritten + bytes > this.maxBytes) throw tooLarge(this.maxBytes);
    await this.space.cover(this.bytesWritten + bytes);
    await bring();
    this.bytesWritten += bytes;
  }

  async keep(): Promise<void> {
    if (this.state === 'open') await this.stop(() => this.staging.keep());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cancel();
    if (this.state !== 'published') return;
    this.state = 'ended';
    this.stopKeepingAlive();
    // A job's pin stays: only its report, which is still to come, makes something refer to the blob.
    if (!isJobWriter(this.writer)) await release(this.ledger, this.writer);
  }

  private async stop(before: () => Promise<void> = async () => undefined): Promise<void> {
    this.state = 'ended';
    this.destroy();
    this.stopKeepingAlive();
    await this.space.close();
    await before();
    await this.staging.close();
  }

  private take(chunks: Buffer[], done: Done): void {
    let enough = false;
    for (const chunk of chunks) {
      this.bytesWritten += chunk.length;
      enough = this.staging.gather(chunk);
    }
    if (this.bytesWritten > this.maxBytes) done(tooLarge(this.maxBytes));
    else if (enough) this.drain().then(() => done(), done);
    else done();
  }

  private async drain(): Promise<void> {
    await this.space.cover(this.bytesWritten);
    await this.staging.drain();
  }

  private async finish(): Promise<void> {
    await this.space.cover(this.bytesWritten);
    this.checksums = await this.staging.finish();
  }
}

/** What cannot be released now expires by itself, or ends with its job. */
async function release(ledger: BlobLedger, writer: string): Promise<void> {
  await ledger.release(writer).catch(() => undefined);
}

function tooLarge(maxBytes: number): ViceError {
  return new ViceError('IMAGE_TOO_LARGE', `the image is larger than ${maxBytes} bytes, the most that is taken here`);
}
