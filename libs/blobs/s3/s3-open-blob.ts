import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type OpenBlob } from '../blob-store.js';
import { diskError } from '../filesystem/disk-error.js';
import { BlockCache } from './block-cache.js';
import { type Bucket, type StoredObject } from './bucket.js';
import { ObjectStream } from './object-stream.js';
import { type Scratch, type ScratchSpace } from './scratch.js';

interface LocalCopy {
  space: ScratchSpace;
  handle: FileHandle;
}

/** A published object, read by ranges; once a program needs it as a file, that is read instead. */
export class S3OpenBlob implements OpenBlob {
  readonly size: number;
  private readonly streams = new Set<Readable>();
  private readonly blocks: BlockCache;
  private copying: Promise<LocalCopy> | undefined;
  private copy: LocalCopy | undefined;
  private disposed = false;

  constructor(
    readonly digest: Digest,
    private readonly key: string,
    private readonly object: StoredObject,
    private readonly bucket: Bucket,
    private readonly scratch: Scratch,
    private readonly letGo: () => Promise<void>,
  ) {
    this.size = object.size;
    this.blocks = new BlockCache((start, end) => buffer(this.streamed(start, end)), object.size);
  }

  async read(position: number, length: number, into?: Buffer): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.size - position));
    const bytes = into && into.length >= wanted ? into.subarray(0, wanted) : Buffer.allocUnsafe(wanted);
    if (!this.copy) await this.blocks.read(position, bytes);
    else await readFully(this.copy.handle, bytes, position);
    return bytes;
  }

  async file(): Promise<string> {
    this.copying ??= this.download();
    try {
      return (await this.copying).space.path;
    } catch (error) {
      this.copying = undefined;
      throw error;
    }
  }

  stream({ start, end }: { start: number; end: number } = { start: 0, end: this.size - 1 }): Readable {
    const last = Math.min(end + 1, this.size);
    if (!this.copy || start >= last) return this.streamed(start, last);
    const stream = createReadStream(this.copy.space.path, { start, end: last - 1, highWaterMark: 512 << 10 });
    return this.followed(stream);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    for (const stream of this.streams) stream.destroy(new Error(`the blob ${this.digest} was closed while it was being read`));
    const copy = await this.copying?.catch(() => undefined);
    await copy?.handle.close();
    await copy?.space.remove();
    await this.letGo();
  }

  private streamed(start: number, end: number): Readable {
    const { key, bucket, object } = this;
    return this.followed(new ObjectStream((from, to, signal) => bucket.get(key, object.etag, from, to, signal), start, end));
  }

  private followed(stream: Readable): Readable {
    this.streams.add(stream);
    stream.on('error', () => undefined); // for whoever reads it; one that nobody reads must not end the process
    stream.once('close', () => this.streams.delete(stream));
    return stream;
  }

  private async download(): Promise<LocalCopy> {
    const space = await this.scratch.reserve(`blob-${randomUUID()}`, this.size);
    try {
      await pipeline(this.streamed(0, this.size), createWriteStream(space.path, { flags: 'wx', mode: 0o400 }));
      if (this.disposed) throw new ViceError('INTERNAL', 'the blob was closed while it was being fetched');
      this.copy = { space, handle: await open(space.path, 'r') };
      return this.copy;
    } catch (error) {
      await space.remove();
      throw diskError(error);
    }
  }
}

async function readFully(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${position + filled}, before byte ${position + bytes.length}`);
    filled += bytesRead;
  }
}
