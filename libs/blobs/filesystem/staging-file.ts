import { open, rm, type FileHandle } from 'node:fs/promises';
import { type Digest } from '#libs/contracts';
import { type Algorithm } from '../hashing/hash-thread.js';
import { hashThreads, type Digester } from '../hashing/hash-threads.js';
import { SLOT_BYTES, type Slot } from '../hashing/slot-pool.js';
import { type Staging } from '../staged-transfer.js';
import { diskError } from './disk-error.js';

/** Pieces of one transfer that may be under way at once: one is written, one hashed, one filled. */
const IN_FLIGHT = 3;
/** After so many bytes the disk is set to work in the background: what is left for the last sync is little. Measured: a fifth faster for 1 GiB. */
const SYNC_EVERY = 64 << 20;

/**
 * A new file that is hashed while it is written. Small chunks are gathered into large pieces; each is copied once, into a slot, which is
 * written and hashed side by side.
 */
export class StagingFile implements Staging {
  private gathered: Buffer[] = [];
  private gatheredBytes = 0;
  private position = 0;
  private readonly underWay = new Set<Promise<void>>();
  private lastWrite: Promise<void> = Promise.resolve();
  private syncing: Promise<void> | undefined;
  private unsyncedBytes = 0;
  private failure: unknown;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly algorithms: Algorithm[],
    private readonly digester: Digester,
    private readonly publishAs: (file: StagingFile, blob: { digest: Digest; size: number }) => Promise<void>,
  ) {}

  /** Fails where there is a file of that name. `publishAs` puts the finished file under its digest. */
  static async create(
    path: string,
    algorithms: Algorithm[],
    publishAs: (file: StagingFile, blob: { digest: Digest; size: number }) => Promise<void>,
  ): Promise<StagingFile> {
    return new StagingFile(path, await open(path, 'wx'), algorithms, hashThreads.begin(algorithms), publishAs);
  }

  gather(chunk: Buffer): boolean {
    this.gathered.push(chunk);
    this.gatheredBytes += chunk.length;
    return this.gatheredBytes >= SLOT_BYTES;
  }

  async drain(atLeast = SLOT_BYTES): Promise<void> {
    while (this.gatheredBytes >= atLeast) {
      while (this.underWay.size >= IN_FLIGHT) await Promise.race(this.underWay);
      if (this.failure !== undefined) throw this.failure;
      const slot = await hashThreads.slots.take();
      this.dispatch(slot, this.fill(slot));
    }
  }

  async finish(): Promise<Partial<Record<Algorithm, string>>> {
    await this.drain(1);
    await Promise.all(this.underWay);
    if (this.failure !== undefined) throw this.failure;
    const checksums = await this.digester.digest();
    return Object.fromEntries(this.algorithms.map((algorithm, index) => [algorithm, checksums[index]]));
  }

  async publish(blob: { digest: Digest; size: number }): Promise<void> {
    await this.publishAs(this, blob);
  }

  async sync(): Promise<void> {
    await this.syncing;
    if (this.failure !== undefined) throw this.failure;
    await this.handle.sync().catch((error: unknown) => {
      throw diskError(error);
    });
  }

  /** What is written is a prefix at any time. */
  async keep(): Promise<void> {}

  async close(): Promise<void> {
    this.failure ??= new Error('the staging file is closed');
    this.gathered = [];
    this.gatheredBytes = 0;
    await Promise.all([...this.underWay, this.syncing]);
    this.digester.drop();
    await this.handle.close();
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }

  private fill(slot: Slot): number {
    let filled = 0;
    while (filled < SLOT_BYTES) {
      const chunk = this.gathered[0];
      if (chunk === undefined) break;
      const copied = chunk.copy(slot.bytes, filled);
      filled += copied;
      if (copied === chunk.length) this.gathered.shift();
      else this.gathered[0] = chunk.subarray(copied);
    }
    this.gatheredBytes -= filled;
    return filled;
  }

  private dispatch(slot: Slot, length: number): void {
    const position = this.position;
    this.position += length;
    const failed = (error: unknown) => this.fail(error);
    // One write after the other: what a crash leaves is a prefix without holes, fit to be carried over.
    const written = (this.lastWrite = this.lastWrite.then(() => this.write(slot, length, position)).catch(failed));
    const hashed = this.digester.update(slot, length).catch(failed);
    const piece = Promise.all([written, hashed]).then(() => {
      hashThreads.slots.giveBack(slot);
      this.underWay.delete(piece);
      this.syncEarly(length);
    });
    this.underWay.add(piece);
  }

  private syncEarly(length: number): void {
    this.unsyncedBytes += length;
    if (this.unsyncedBytes < SYNC_EVERY || this.syncing || this.failure !== undefined) return;
    this.unsyncedBytes = 0;
    this.syncing = this.handle
      .datasync()
      .catch((error: unknown) => this.fail(error))
      .finally(() => {
        this.syncing = undefined;
      });
  }

  private async write(slot: Slot, length: number, position: number): Promise<void> {
    for (let done = 0; done < length && this.failure === undefined;) {
      done += (await this.handle.write(slot.bytes, done, length - done, position + done)).bytesWritten;
    }
  }

  private fail(error: unknown): void {
    this.failure ??= diskError(error);
  }
}
