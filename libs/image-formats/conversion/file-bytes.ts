import { constants, createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { type Readable } from 'node:stream';
import { refused } from '../refusal.js';
import { type InspectableBytes } from '../inspection.js';

/** A file that a tool has made, for inspection. What is no plain file is refused. */
export class FileBytes implements InspectableBytes, AsyncDisposable {
  private constructor(
    readonly size: number,
    private readonly handle: FileHandle,
  ) {}

  static async open(path: string): Promise<FileBytes> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.code === 'ELOOP' ? refused('the result of the conversion is a link') : error;
      },
    );
    const found = await handle.stat();
    if (found.isFile()) return new FileBytes(found.size, handle);
    await handle.close();
    throw refused('the result of the conversion is no file');
  }

  async read(position: number, length: number, into?: Buffer): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.size - position));
    const buffer = into && into.length >= wanted ? into.subarray(0, wanted) : Buffer.allocUnsafe(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.handle.read(buffer, filled, wanted - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  stream(): Readable {
    return createReadStream('', { fd: this.handle, start: 0, autoClose: false, highWaterMark: 1 << 20 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
  }
}
