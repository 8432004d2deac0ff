import { constants } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { hashFile } from '../hashing/hash-file.js';
import { diskError } from './disk-error.js';

/** A finished file with its digest, durable, and ready to be published. */
export class SealedFile {
  private constructor(
    readonly path: string,
    readonly digest: Digest,
    readonly size: number,
    private readonly handle: FileHandle,
    private readonly changedAt: bigint,
  ) {}

  /**
   * Hashes it and makes it durable, both at once. Whoever wrote it is not trusted: anything but a file of one name, of which
   * nobody holds another, is refused with CONTENT_REFUSED. It must not change any more.
   */
  static async seal(path: string, signal: AbortSignal): Promise<SealedFile> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.code === 'ELOOP' ? notPlain() : error;
      },
    );
    try {
      const { size, mtimeNs, nlink, isFile } = await statOf(handle);
      if (!isFile || nlink !== 1n) throw notPlain();
      const [{ sha256 }] = await Promise.all([hashFile(handle, size, ['sha256'], signal), handle.sync()]);
      return new SealedFile(path, `sha256:${sha256}`, size, handle, mtimeNs);
    } catch (error) {
      await handle.close();
      throw diskError(error);
    }
  }

  /** It is durable already; here it shows whether it is still the same. */
  async sync(): Promise<void> {
    const { size, mtimeNs, ino } = await statOf(this.handle);
    const there = await stat(this.path, { bigint: true });
    if (size !== this.size || mtimeNs !== this.changedAt || ino !== there.ino)
      throw new ViceError('INTERNAL', 'a file was changed after it had been hashed');
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

async function statOf(handle: FileHandle) {
  const found = await handle.stat({ bigint: true });
  const { mtimeNs, nlink, ino } = found;
  return { size: Number(found.size), mtimeNs, nlink, ino, isFile: found.isFile() };
}

function notPlain(): ViceError {
  return new ViceError(
    'CONTENT_REFUSED',
    'the tool that worked on this content left no plain file as its result, but a link or worse',
  );
}
