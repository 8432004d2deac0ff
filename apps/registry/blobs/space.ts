import { type BlobCalls, type RequestOf } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { ADVISORY_LOCKS, type Transaction } from '../database/index.js';
import { expiryUnless, jobOf, stillHolds } from './holder.js';

interface Reservation {
  writer: string;
  bytes: string;
}

/**
 * Reserves what a writer asks for, unless that and what all others have reserved but not yet written is more than there is.
 * Two that ask at once never see the same free byte. Raises STORAGE_FULL.
 */
export async function reserveSpace(
  { manager }: Transaction,
  { writer, bytes, freeBytes, staged }: RequestOf<typeof BlobCalls.reserveSpace>,
): Promise<void> {
  await manager.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCKS.space]);
  const job = jobOf(writer);
  // Former attempts of the same job write no more.
  await manager.query(`DELETE FROM space_reservations WHERE job_id = $2 AND ${attempt('writer')} < ${attempt('$1')}`, [
    writer,
    job,
  ]);
  const others: Reservation[] = await manager.query(
    `SELECT writer, bytes FROM space_reservations held WHERE writer <> $1 AND ${stillHolds('held')}`,
    [writer],
  );
  const toCome = (reservation: { writer: string; bytes: number }) =>
    Math.max(0, reservation.bytes - (staged[reservation.writer] ?? 0));
  const promised = others.reduce((sum, other) => sum + toCome({ writer: other.writer, bytes: Number(other.bytes) }), 0);
  const needed = toCome({ writer, bytes });
  if (needed + promised > freeBytes) throw full(needed, freeBytes, promised);
  await manager.query(
    `INSERT INTO space_reservations (writer, bytes, job_id, expires_at) VALUES ($1, $2, $3, ${expiryUnless('$3')})
     ON CONFLICT (writer) DO UPDATE SET bytes = excluded.bytes, expires_at = excluded.expires_at`,
    [writer, bytes, job],
  );
}

/** SQL: the number of the attempt in `<job id>.<attempt>`; null for an upload. */
const attempt = (writer: string): string => `nullif(split_part(${writer}, '.', 2), '')::int`;

function full(needed: number, freeBytes: number, promised: number): ViceError {
  const others = promised > 0 ? `, of which ${inWords(promised)} are reserved by transfers under way` : '';
  return new ViceError(
    'STORAGE_FULL',
    `the blob store has ${inWords(freeBytes)} free${others}: too little for another ${inWords(needed)}; delete images that are not needed, or try again later`,
  );
}

function inWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(bytes, 1)) / 10)));
  return `${Math.round((bytes / 1024 ** power) * 10) / 10} ${units[power]}`;
}
