import { dirname } from 'node:path';
import { ViceError } from '#libs/errors';
import { SealedFile } from './sealed-file.js';

/** The finished files of one workspace. */
export class SealedFiles {
  private readonly sealing = new Map<string, Promise<SealedFile>>();
  private readonly givenUp = new AbortController();

  constructor(private readonly folder: string) {}

  /** The same for the same file, however often it is asked. */
  seal(file: string): Promise<SealedFile> {
    if (dirname(file) !== this.folder) throw new ViceError('INTERNAL', `${file} does not lie in the workspace`);
    const known = this.sealing.get(file);
    if (known) return known;
    const sealed = SealedFile.seal(file, this.givenUp.signal);
    this.sealing.set(file, sealed);
    return sealed;
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.givenUp.abort(new Error('the workspace is gone'));
    for (const outcome of await Promise.allSettled(this.sealing.values()))
      if (outcome.status === 'fulfilled') await outcome.value.close();
  }
}
