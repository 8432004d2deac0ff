import { BlobCalls, HOLD_SECONDS, type Ask, type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';

/** The registry's ledger in as few lines as its rules allow, for tests of blob stores. */
export class MemoryLedger {
  readonly blobs = new Map<Digest, 'reserved' | 'deleting'>();
  readonly pins = new Map<string, Set<Digest>>();
  readonly reserved = new Map<string, number>();
  /** For how many seconds holders were last told that their holds last. */
  readonly held = new Map<string, number>();
  /** Every call so far, by name. */
  readonly asked: string[] = [];
  /** The space that it gives out at most. */
  capacity = Infinity;
  /** Gives out space that is not there. */
  blind = false;

  readonly ask: Ask = async (call, request) => {
    this.asked.push(call.name);
    return this.answer(call.name, structuredClone(request)) as never;
  };

  private answer(name: string, request: unknown): unknown {
    switch (name) {
      case BlobCalls.reserveSpace.name:
        return this.reserveSpace(request as { writer: string; bytes: number; freeBytes: number; staged: Record<string, number> });
      case BlobCalls.reserveBlob.name: {
        const { writer, digest } = request as { writer: string; digest: Digest };
        if (this.blobs.get(digest) === 'deleting') return { state: 'wait' };
        this.blobs.set(digest, 'reserved');
        this.reserved.delete(writer);
        return this.pin(writer, digest);
      }
      case BlobCalls.pinBlob.name: {
        const { holder, digest } = request as { holder: string; digest: Digest };
        if (this.blobs.get(digest) !== 'reserved') throw new ViceError('BLOB_NOT_FOUND', `there is no blob ${digest}`);
        return this.pin(holder, digest);
      }
      case BlobCalls.releaseHold.name: {
        const { holder } = request as { holder: string };
        this.pins.delete(holder);
        this.reserved.delete(holder);
        return {};
      }
      case BlobCalls.renewHolds.name: {
        const { holders, seconds = HOLD_SECONDS } = request as { holders: string[]; seconds?: number };
        for (const holder of holders) this.held.set(holder, seconds);
        return {};
      }
      default:
        throw new Error(`no store asks ${name} by itself`);
    }
  }

  private pin(holder: string, digest: Digest): { state: 'reserved' } {
    this.pins.set(holder, (this.pins.get(holder) ?? new Set()).add(digest));
    return { state: 'reserved' };
  }

  private reserveSpace(request: { writer: string; bytes: number; freeBytes: number; staged: Record<string, number> }): object {
    const all = new Map(this.reserved).set(request.writer, request.bytes);
    const toCome = [...all].reduce((sum, [writer, bytes]) => sum + Math.max(0, bytes - (request.staged[writer] ?? 0)), 0);
    if (!this.blind && toCome > Math.min(request.freeBytes, this.capacity))
      throw new ViceError('STORAGE_FULL', 'the blob store is full');
    this.reserved.set(request.writer, request.bytes);
    return {};
  }
}
