import { setTimeout as delay } from 'node:timers/promises';
import { type DataSource } from 'typeorm';
import { ViceError } from '#libs/errors';
import { ADVISORY_LOCKS } from './advisory-locks.js';

/** PostgreSQL takes a moment to notice that a killed process is gone. */
const PATIENCE_MS = 10_000;
const PAUSE_MS = 200;

/**
 * Makes sure that this process is the only one at the database, until its connections close: needed where jobs live in the process
 * itself. Raises CONFIGURATION when another has it.
 */
export async function lockForOneProcess(source: DataSource): Promise<void> {
  const holder = source.createQueryRunner();
  for (const end = Date.now() + PATIENCE_MS; ; await delay(PAUSE_MS)) {
    const [row] = (await holder.query('SELECT pg_try_advisory_lock($1) AS locked', [ADVISORY_LOCKS.oneProcess])) as {
      locked: boolean;
    }[];
    if (row?.locked) return;
    if (Date.now() > end) break;
  }
  await holder.release();
  throw new ViceError(
    'CONFIGURATION',
    'another process works with this database and without RabbitMQ: stop that one, or set AMQP_URL for both so that they can share the work',
  );
}
