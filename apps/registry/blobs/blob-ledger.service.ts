import { Inject, Injectable } from '@nestjs/common';
import { type ViceConfig, VICE_CONFIG } from '#libs/config';
import { HOLD_SECONDS, type BlobCalls, type Digest, type RequestOf } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Database, type Transaction } from '../database/index.js';
import { isBlobThere } from './blob-there.js';
import { condemnBlobs } from './condemn.js';
import { expiryUnless, jobOf, stillHolds } from './holder.js';
import { reserveSpace } from './space.js';

const HOLDS = ['blob_pins', 'space_reservations'] as const;

/**
 * Who writes into the blob store, who reads, what may go. Whoever takes hold of a blob locks its row against garbage collection, which
 * locks it the other way: so a blob is either held, or being deleted, never both. Whatever comes to refer to a blob does the same by a
 * trigger of the database.
 */
@Injectable()
export class BlobLedgerService {
  constructor(
    private readonly database: Database,
    @Inject(VICE_CONFIG) private readonly config: Pick<ViceConfig, 'variantQuotaBytes'>,
  ) {}

  async reserveSpace(request: RequestOf<typeof BlobCalls.reserveSpace>): Promise<void> {
    await this.database.transaction((tx) => reserveSpace(tx, request));
  }

  /** `wait` while garbage collection has the blob. The writer's bytes are all there by now: it needs no more space. */
  async reserveBlob({ writer, digest, size }: RequestOf<typeof BlobCalls.reserveBlob>): Promise<'reserved' | 'wait'> {
    return this.database.transaction(async (tx) => {
      await tx.manager.query(`INSERT INTO blobs (digest, size, state) VALUES ($1, $2, 'reserved') ON CONFLICT DO NOTHING`, [
        digest,
        size,
      ]);
      if (!(await this.tryToPin(tx, writer, digest))) return 'wait';
      await tx.manager.query('DELETE FROM space_reservations WHERE writer = $1', [writer]);
      return 'reserved';
    });
  }

  /** Keeps a blob from going while the holder reads it. Raises BLOB_NOT_FOUND. */
  async pin(holder: string, digest: Digest): Promise<void> {
    await this.database.transaction((tx) => this.pinWithin(tx, holder, digest));
  }

  /** The same within a transaction that does more. */
  async pinWithin(tx: Transaction, holder: string, digest: Digest): Promise<void> {
    if (await this.tryToPin(tx, holder, digest)) return;
    throw new ViceError('BLOB_NOT_FOUND', `the blob ${digest} is not in the blob store`);
  }

  /** A hold that has expired stays so. Like all that changes something, not renewed once whoever asked has given up waiting. */
  async renew(holders: string[], seconds: number = HOLD_SECONDS): Promise<void> {
    await this.database.transaction(async ({ manager }) => {
      for (const [table, name] of [
        ['blob_pins', 'holder'],
        ['space_reservations', 'writer'],
      ])
        await manager.query(
          `UPDATE ${table} SET expires_at = greatest(expires_at, now() + make_interval(secs => $2))
            WHERE ${name} = ANY ($1) AND expires_at > now()`,
          [holders, seconds],
        );
    });
  }

  async release(holder: string): Promise<void> {
    await this.database.transaction(async ({ manager }) => {
      await manager.query('DELETE FROM blob_pins WHERE holder = $1', [holder]);
      await manager.query('DELETE FROM space_reservations WHERE writer = $1', [holder]);
    });
  }

  /** A job's writer has ended with its job, since a later attempt may carry its bytes over; any other when it holds nothing any more. */
  async ended(writers: string[]): Promise<string[]> {
    const rows = await this.database.query<{ writer: string }>(
      `SELECT writer FROM unnest($1::text[], $2::uuid[]) AS asked (writer, job_id)
        WHERE CASE WHEN job_id IS NULL
              THEN NOT EXISTS (SELECT FROM blob_pins pin WHERE pin.holder = asked.writer AND ${stillHolds('pin')})
               AND NOT EXISTS (SELECT FROM space_reservations space WHERE space.writer = asked.writer AND ${stillHolds('space')})
              ELSE NOT EXISTS (SELECT FROM jobs WHERE jobs.id = asked.job_id AND jobs.state IN ('queued', 'running')) END`,
      [writers, writers.map(jobOf)],
    );
    return rows.map(({ writer }) => writer);
  }

  async condemn(limit: number): Promise<Digest[]> {
    await this.dropEndedHolds();
    return this.database.transaction((tx) => condemnBlobs(tx, { limit, quotaBytes: this.config.variantQuotaBytes }));
  }

  /** Never late: somebody else may collect by then, and have condemned the same digest anew. */
  async forget(digests: Digest[]): Promise<void> {
    await this.database.transaction(({ manager }) =>
      manager.query(`DELETE FROM blobs WHERE digest = ANY ($1) AND state = 'deleting'`, [digests]),
    );
  }

  private async dropEndedHolds(): Promise<void> {
    for (const table of HOLDS) await this.database.query(`DELETE FROM ${table} held WHERE NOT ${stillHolds('held')}`);
  }

  /** False where there is no such blob, or it is being deleted. */
  private async tryToPin(tx: Transaction, holder: string, digest: Digest): Promise<boolean> {
    if (!(await isBlobThere(tx, digest))) return false;
    await tx.manager.query(
      `INSERT INTO blob_pins (digest, holder, job_id, expires_at) VALUES ($1, $2, $3, ${expiryUnless('$3')})
       ON CONFLICT (digest, holder) DO UPDATE SET expires_at = excluded.expires_at`,
      [digest, holder, jobOf(holder)],
    );
    return true;
  }
}
