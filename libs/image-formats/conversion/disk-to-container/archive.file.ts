import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { ViceError } from '#libs/errors';

const PIECE = 2 ** 20;
const ZEROS = Buffer.alloc(PIECE);
/** Fewer zeros than this are written; a hole costs more than they do. */
const LEAST_HOLE = 2 ** 16;

/** A file that is written from its start to its end, hashed on the way, while the piece before is still on its way to the disk. */
export class ArchiveFile implements AsyncDisposable {
  /** Bytes so far. */
  size = 0;
  private piece = Buffer.allocUnsafe(PIECE);
  private spare = Buffer.allocUnsafe(PIECE);
  private filled = 0;
  private hash: Hash | undefined;
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly handle: FileHandle,
    private readonly maxBytes: number,
  ) {}

  /** Larger than `maxBytes` it does not become: IMAGE_TOO_LARGE. */
  static async create(path: string, maxBytes: number): Promise<ArchiveFile> {
    return new ArchiveFile(await open(path, 'wx', 0o600), maxBytes);
  }

  /** From here on, what is appended is hashed. */
  async beginDigest(): Promise<void> {
    await this.flush();
    this.hash = createHash('sha256');
  }

  /** `sha256:…` of all since. */
  async endDigest(): Promise<string> {
    await this.flush();
    const hash = this.hash!;
    this.hash = undefined;
    return `sha256:${hash.digest('hex')}`;
  }

  /** To be called before much is read in vain. */
  requireRoom(bytes: number): void {
    if (this.size + bytes > this.maxBytes)
      throw new ViceError('IMAGE_TOO_LARGE', `the container image would be larger than ${this.maxBytes} bytes, the limit here`);
  }

  async append(bytes: Buffer): Promise<void> {
    this.requireRoom(bytes.length);
    for (let at = 0; at < bytes.length;) {
      const copied = bytes.copy(this.piece, this.filled, at);
      at += copied;
      this.filled += copied;
      this.size += copied;
      if (this.filled === PIECE) await this.flush();
    }
  }

  async appendZeros(length: number): Promise<void> {
    this.requireRoom(length);
    if (length < LEAST_HOLE) return this.append(ZEROS.subarray(0, length));
    await this.flush();
    this.size += length;
    for (let left = length; left > 0; left -= PIECE) this.hash?.update(ZEROS.subarray(0, left));
  }

  /** Overwrites what is there already. */
  async patch(position: number, bytes: Buffer): Promise<void> {
    await this.flush();
    await this.writing;
    await writeAll(this.handle, bytes, position);
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.writing;
    await this.handle.truncate(this.size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writing.catch(() => undefined);
    await this.handle.close();
  }

  private async flush(): Promise<void> {
    if (this.filled === 0) return;
    const bytes = this.piece.subarray(0, this.filled);
    const position = this.size - this.filled;
    await this.writing;
    this.writing = writeAll(this.handle, bytes, position);
    // Whoever comes next waits for it, and hears of its failure.
    this.writing.catch(() => undefined);
    this.hash?.update(bytes);
    [this.piece, this.spare] = [this.spare, this.piece];
    this.filled = 0;
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
