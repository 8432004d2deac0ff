import { spawnSync } from 'node:child_process';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { ViceError } from '#libs/errors';

/**
 * A lock that the kernel holds for this process: it goes with the process, however that ends, and it cannot be taken twice.
 *
 * Node has no flock(2) of its own. But a lock belongs to the open file, not to who asked for it: flock(1) locks the one it inherits from us, and
 * ends, and the lock stays for as long as we keep the file open. macOS has no flock(1), but locks while opening.
 */
export class DirectoryLock implements AsyncDisposable {
  private constructor(private readonly file: FileHandle) {}

  /**
   * @param path the lock's file; it is made where it is missing, and stays
   * @throws ViceError CONFIGURATION with `message` when another process holds it
   */
  static async take(path: string, message: (holder: string) => string): Promise<DirectoryLock> {
    const lock = await DirectoryLock.tryTake(path);
    if (lock === null) throw new ViceError('CONFIGURATION', message(await holderOf(path)));
    return lock;
  }

  /** null: another process holds it. */
  static async tryTake(path: string): Promise<DirectoryLock | null> {
    const file = process.platform === 'darwin' ? await openLocked(path) : await openAndLock(path);
    if (file === null) return null;
    await file.truncate();
    await file.write(String(process.pid), 0);
    return new DirectoryLock(file);
  }

  async release(): Promise<void> {
    await this.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

async function openAndLock(path: string): Promise<FileHandle | null> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  const { status, error, stderr } = spawnSync('flock', ['--nonblock', '3'], { stdio: ['ignore', 'ignore', 'pipe', file.fd] });
  if (status === 0) return file;
  await file.close();
  if (error !== undefined || status !== 1) {
    const reason = error?.message ?? stderr.toString().trim();
    throw new ViceError('CONFIGURATION', `cannot lock ${path} with the program flock (of util-linux): ${reason}`, {
      cause: error,
    });
  }
  return null;
}

/** macOS: O_EXLOCK locks in the same step. */
async function openLocked(path: string): Promise<FileHandle | null> {
  const exlock = 0x20;
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | exlock, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

async function holderOf(path: string): Promise<string> {
  await using file = await open(path, 'r');
  return (await file.readFile('utf8')).trim() || 'unknown';
}
