import { isJobWriter } from '#libs/blobs';
import { HOLD_SECONDS } from '#libs/contracts';

const UUID_LENGTH = 36;

/** The job that a holder's holds live and die with; null for an upload or a download, whose holds expire. */
export const jobOf = (holder: string): string | null => (isJobWriter(holder) ? holder.slice(0, UUID_LENGTH) : null);

/** SQL: when the hold of a holder expires, if `job` (its job's id) is null. */
export const expiryUnless = (job: string): string =>
  `CASE WHEN ${job}::uuid IS NULL THEN now() + interval '${HOLD_SECONDS} seconds' END`;

/**
 * SQL: whether a row of blob_pins or space_reservations still holds. A minute longer than it can be renewed: so no renewal is under way
 * any more when somebody relies on the end of a hold.
 */
export const stillHolds = (row: string): string => `(
  ${row}.expires_at > now() - interval '1 minute'
  OR EXISTS (SELECT FROM jobs WHERE jobs.id = ${row}.job_id AND jobs.state IN ('queued', 'running')))`;
