import { DataSource, type DataSourceOptions } from 'typeorm';
import { ADVISORY_LOCKS } from './advisory-locks.js';
import { DeploymentEntity, EnvironmentEntity, ImageEntity, JobEntity, UserEntity } from './entities/index.js';
import { Foundation1764000000000 } from './migrations/1764000000000-foundation.js';
import { ImageLists1764000000001 } from './migrations/1764000000001-image-lists.js';
import { BlobReferences1764000000005 } from './migrations/1764000000005-blob-references.js';
import { Conversions1764000000006 } from './migrations/1764000000006-conversions.js';
import { Trails1764000000007 } from './migrations/1764000000007-trails.js';
import { PreparingClient } from './preparing-client.js';

export const ENTITIES = [UserEntity, EnvironmentEntity, ImageEntity, DeploymentEntity, JobEntity];

/** Oldest first. Each can be read by the release before it, so that old and new registries may run side by side. */
export const MIGRATIONS = [
  Foundation1764000000000,
  ImageLists1764000000001,
  BlobReferences1764000000005,
  Conversions1764000000006,
  Trails1764000000007,
];

const POOL_SIZE = 20;

const databaseOptions = (url: string, poolSize: number): DataSourceOptions => ({
  type: 'postgres',
  url,
  entities: ENTITIES,
  migrations: MIGRATIONS,
  migrationsTransactionMode: 'each',
  poolSize,
  applicationName: 'vice-registry',
  extra: { Client: PreparingClient, connectionTimeoutMillis: 5000, idle_in_transaction_session_timeout: 60_000 },
});

/** Connected and migrated. Several registries may start at once: one migrates, the others wait for it. */
export async function openDatabase(url: string, poolSize = POOL_SIZE): Promise<DataSource> {
  const source = new DataSource(databaseOptions(url, poolSize));
  await source.initialize();
  try {
    await migrate(source);
  } catch (error) {
    await source.destroy();
    throw error;
  }
  return source;
}

async function migrate(source: DataSource): Promise<void> {
  const lock = source.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock($1)', [ADVISORY_LOCKS.migration]);
    await source.runMigrations();
    await lock.query('SELECT pg_advisory_unlock($1)', [ADVISORY_LOCKS.migration]);
  } finally {
    await lock.release();
  }
}
