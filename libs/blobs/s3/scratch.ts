import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryLock } from '#libs/config';
import { ViceError } from '#libs/errors';
import { removeFolder } from '../filesystem/remove-folder.js';
import { bytesIn } from '../filesystem/space-now.js';

/** Space in scratch that somebody has been promised. */
export interface ScratchSpace {
  /** Absolute path; nothing is there yet. */
  readonly path: string;
  /** Removes what is there, and gives the space back. */
  remove(): Promise<void>;
}

/**
 * Room on this machine for what programs work on: a folder of this process in one that several may share. Each holds a lock on its own for as long as
 * it lives; whoever begins removes the folders of those that do not any more.
 *
 *     <root>/<id>.lock
 *     <root>/<id>/         0700
 *       <writer>/          a workspace
 *       blob-<id>          a blob as a file
 */
export class Scratch {
  private static readonly opened = new Map<string, Scratch>();
  private readonly promised = new Map<string, number>();
  private begun: Promise<string> | undefined;
  private lock: DirectoryLock | undefined;

  private constructor(private readonly root: string) {}

  /** One for the process. */
  static at(root: string): Scratch {
    const known = Scratch.opened.get(root);
    if (known) return known;
    const scratch = new Scratch(root);
    Scratch.opened.set(root, scratch);
    return scratch;
  }

  /** Makes this process's folder, and removes those of processes that have ended. */
  async folder(): Promise<string> {
    this.begun ??= this.begin();
    try {
      return await this.begun;
    } catch (error) {
      this.begun = undefined;
      throw error;
    }
  }

  /** Names of what lies in this process's folder. */
  async names(): Promise<string[]> {
    return await readdir(await this.folder());
  }

  /** Promises space under a name. Raises STORAGE_FULL. */
  async reserve(name: string, bytes: number): Promise<ScratchSpace> {
    const folder = await this.folder();
    const free = await this.freeBytes(folder);
    if (bytes > free) {
      throw new ViceError(
        'STORAGE_FULL',
        `the scratch space of this machine has ${Math.max(0, free)} bytes free, and ${bytes} are needed; try again later, or give VICE_DATA_DIR a larger disk`,
      );
    }
    this.promised.set(name, bytes);
    return { path: join(folder, name), remove: () => this.remove(name) };
  }

  async remove(name: string): Promise<void> {
    await removeFolder(join(await this.folder(), name));
    this.promised.delete(name);
  }

  /** Bytes that lie under a name. */
  async bytes(name: string): Promise<number> {
    return await bytesIn(join(await this.folder(), name)).catch(() => 0);
  }

  /** What is free beside all that was promised and has not been written. */
  private async freeBytes(folder: string): Promise<number> {
    const { bavail, bsize } = await statfs(folder);
    let free = bavail * bsize;
    for (const [name, bytes] of this.promised) free -= Math.max(0, bytes - (await this.bytes(name)));
    return free;
  }

  private async begin(): Promise<string> {
    await mkdir(this.root, { recursive: true, mode: 0o700 });
    await this.sweep();
    const id = randomUUID();
    // The lock comes before the folder, so that no other process takes this for something left behind.
    this.lock ??= (await DirectoryLock.tryTake(join(this.root, `${id}.lock`)))!;
    const folder = join(this.root, id);
    await mkdir(folder, { mode: 0o700 });
    return folder;
  }

  private async sweep(): Promise<void> {
    for (const name of await readdir(this.root)) {
      const id = /^([0-9a-f-]{36})\.lock$/.exec(name)?.[1];
      if (id === undefined) continue;
      const lock = await DirectoryLock.tryTake(join(this.root, name));
      if (lock === null) continue;
      await removeFolder(join(this.root, id));
      await rm(join(this.root, name), { force: true });
      await lock.release();
    }
  }
}
