import { type DataSource } from 'typeorm';
import { ADVISORY_LOCKS } from './advisory-locks.js';

const UNDEFINED_TABLE = '42P01';

/** Brings the tables up to date and answers the names of the migrations that this took. Whoever else migrates meanwhile is waited for. */
export async function migrate(source: DataSource): Promise<string[]> {
  const lock = source.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.migration]);
    const made = await source.runMigrations();
    await lock.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCKS.migration]);
    return made.map(({ name }) => name);
  } finally {
    await lock.release();
  }
}

/** Names of this release's migrations that the database does not have, oldest first. What a newer release added to it does not matter: each can be read by the release before. */
export async function missingMigrations(source: DataSource): Promise<string[]> {
  const rows = await recorded(source);
  const made = new Set(rows.map(({ name }) => name));
  return source.migrations.map((migration) => migration.name ?? migration.constructor.name).filter((name) => !made.has(name));
}

async function recorded(source: DataSource): Promise<{ name: string }[]> {
  try {
    return await source.query('SELECT name FROM migrations');
  } catch (error) {
    if ((error as { code?: string }).code === UNDEFINED_TABLE) return [];
    throw error;
  }
}
