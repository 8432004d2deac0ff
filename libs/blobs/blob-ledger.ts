import { setTimeout as delay } from 'node:timers/promises';
import { BlobCalls, HOLD_SECONDS, type Ask, type Call, type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { outsideWork } from '#libs/observability';
import { isJobWriter } from './writer-name.js';

const RENEWAL_MS = (HOLD_SECONDS * 1000) / 3;
/** How long a reservation waits for garbage collection to finish with the same digest. */
const LONGEST_WAIT_MS = 30_000;
/** How long a transfer that is under way bears with a registry that does not answer: long enough for one to start again. */
const PATIENCE_MS = 30_000;

/** Space as the store sees it at one moment, in bytes. */
export interface SpaceNow {
  freeBytes: number;
  staged: Record<string, number>;
}

/**
 * The store's side of the registry's ledger. What no job holds expires by itself, so it is renewed from here for as long as it is kept:
 * two renewals in a row may fail before anything is lost.
 */
export class BlobLedger {
  private readonly kept = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly ask: Ask) {}

  /** Raises STORAGE_FULL. */
  async reserveSpace(writer: string, bytes: number, now: SpaceNow, signal?: AbortSignal): Promise<void> {
    await this.insist(BlobCalls.reserveSpace, { writer, bytes, ...now }, signal);
  }

  /** Holds a digest for its writer before it is published; waits while garbage collection is deleting that very blob. */
  async reserveBlob(writer: string, digest: Digest, size: number): Promise<void> {
    const giveUp = performance.now() + LONGEST_WAIT_MS;
    for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
      const { state } = await this.insist(BlobCalls.reserveBlob, { writer, digest, size });
      if (state === 'reserved') return;
      if (performance.now() > giveUp) {
        throw new ViceError(
          'UNAVAILABLE',
          `blob ${digest} is being deleted and cannot be stored again yet; try again in a minute`,
        );
      }
      await delay(pause * (0.5 + Math.random() / 2));
    }
  }

  /** Raises BLOB_NOT_FOUND. */
  async pin(holder: string, digest: Digest): Promise<void> {
    await this.ask(BlobCalls.pinBlob, { holder, digest });
  }

  /** Lets the holds of this holder last so long without being kept alive, also when this process has ended by then. */
  async holdFor(holder: string, seconds: number): Promise<void> {
    await this.insist(BlobCalls.renewHolds, { holders: [holder], seconds });
  }

  async release(holder: string): Promise<void> {
    await this.ask(BlobCalls.releaseHold, { holder });
  }

  async endedWriters(writers: string[]): Promise<string[]> {
    return (await this.ask(BlobCalls.endedWriters, { writers })).ended;
  }

  async condemn(limit: number): Promise<Digest[]> {
    return (await this.ask(BlobCalls.condemnBlobs, { limit })).digests;
  }

  async forget(digests: Digest[]): Promise<void> {
    await this.ask(BlobCalls.forgetBlobs, { digests });
  }

  /** Keeps the holds of this holder alive until the answer is called as often as this was. A job's holds live by themselves. */
  keepAlive(holder: string): () => void {
    if (isJobWriter(holder)) return () => undefined;
    this.kept.set(holder, (this.kept.get(holder) ?? 0) + 1);
    this.timer ??= outsideWork(() => setInterval(() => void this.renew(), RENEWAL_MS).unref());
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const others = (this.kept.get(holder) ?? 1) - 1;
      if (others > 0) this.kept.set(holder, others);
      else this.kept.delete(holder);
      if (this.kept.size === 0) {
        clearInterval(this.timer);
        this.timer = undefined;
      }
    };
  }

  /** Asks again while the registry is UNAVAILABLE: to ask twice does no harm, and what has arrived so far may be many gigabytes. */
  private async insist<Request, Answer>(call: Call<Request, Answer>, request: Request, signal?: AbortSignal): Promise<Answer> {
    const giveUp = performance.now() + PATIENCE_MS;
    for (let pause = 100; ; pause = Math.min(pause * 2, 2_000)) {
      try {
        return await this.ask(call, request);
      } catch (error) {
        if (!(error instanceof ViceError && error.code === 'UNAVAILABLE') || performance.now() > giveUp) throw error;
      }
      await delay(pause, undefined, { signal });
    }
  }

  private async renew(): Promise<void> {
    try {
      await this.ask(BlobCalls.renewHolds, { holders: [...this.kept.keys()] });
    } catch {
      // The next renewal comes before the holds expire. Should they expire all the same, publishing or reading says so.
    }
  }
}
