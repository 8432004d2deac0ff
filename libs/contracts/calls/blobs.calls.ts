import { type Digest } from '../vocabulary.js';
import { callTo, type Empty } from './call.js';

/**
 * The ledger of the blob store: who writes, who reads, what may go.
 *
 * A writer is `<job id>.<attempt>` or `upload-<id>`; a holder is a writer, a job's id or a download's id.
 * Reservations and pins of what is no job expire after HOLD_SECONDS unless they are renewed; those of a job last as long as the job.
 */
export const BlobCalls = {
  /**
   * Reserves `bytes` in all for a writer (a later call replaces the former). `freeBytes` is what the store has now, `staged` what each
   * writer has written of what it reserved. Raises STORAGE_FULL.
   */
  reserveSpace: callTo<{ writer: string; bytes: number; freeBytes: number; staged: Record<string, number> }, Empty>(
    'registry',
    'space.reserve',
  ),
  /** Before bytes are published under a digest. `wait`: garbage collection is deleting that blob; ask again shortly. */
  reserveBlob: callTo<{ writer: string; digest: Digest; size: number }, { state: 'reserved' | 'wait' }>(
    'registry',
    'blob.reserve',
  ),
  /** Raises BLOB_NOT_FOUND where there is no such blob. */
  pinBlob: callTo<{ holder: string; digest: Digest }, Empty>('registry', 'blob.pin'),
  /** Renews what these hold, for HOLD_SECONDS or for so many: never so that it ends earlier. */
  renewHolds: callTo<{ holders: string[]; seconds?: number }, Empty>('registry', 'hold.renew'),
  /** Drops the reserved space and all pins of a holder. */
  releaseHold: callTo<{ holder: string }, Empty>('registry', 'hold.release'),
  /** Which of these writers have ended, so that their staged bytes can go. */
  endedWriters: callTo<{ writers: string[] }, { ended: string[] }>('registry', 'writer.ended'),
  /** Marks up to `limit` blobs that nothing refers to and nothing pins as `deleting`; also gives those marked before and not yet forgotten. */
  condemnBlobs: callTo<{ limit: number }, { digests: Digest[] }>('registry', 'blob.condemn'),
  /** Their bytes are gone. */
  forgetBlobs: callTo<{ digests: Digest[] }, Empty>('registry', 'blob.forget'),
};

export const HOLD_SECONDS = 300;
