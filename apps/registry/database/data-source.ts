import { DataSource, type DataSourceOptions } from 'typeorm';
import { DeploymentEntity, EnvironmentEntity, ImageEntity, JobEntity, UserEntity } from './entities/index.js';
import { Foundation1764000000000 } from './migrations/1764000000000-foundation.js';
import { ImageLists1764000000001 } from './migrations/1764000000001-image-lists.js';
import { BlobReferences1764000000005 } from './migrations/1764000000005-blob-references.js';
import { Conversions1764000000006 } from './migrations/1764000000006-conversions.js';
import { Trails1764000000007 } from './migrations/1764000000007-trails.js';
import { FailedJobs1764000000008 } from './migrations/1764000000008-failed-jobs.js';
import { ClaimedAt1764000000010 } from './migrations/1764000000010-claimed-at.js';
import { UninspectedBlobs1764000000011 } from './migrations/1764000000011-uninspected-blobs.js';
import { PreparingClient } from './preparing-client.js';
import { migrate } from './schema.js';

export const ENTITIES = [UserEntity, EnvironmentEntity, ImageEntity, DeploymentEntity, JobEntity];

/** Oldest first. Each can be read by the release before it, so that old and new registries may run side by side. */
export const MIGRATIONS = [
  Foundation1764000000000,
  ImageLists1764000000001,
  BlobReferences1764000000005,
  Conversions1764000000006,
  Trails1764000000007,
  FailedJobs1764000000008,
  ClaimedAt1764000000010,
  UninspectedBlobs1764000000011,
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

/** Connected; the schema is as it was found. */
export async function connectDatabase(url: string, poolSize = POOL_SIZE): Promise<DataSource> {
  return new DataSource(databaseOptions(url, poolSize)).initialize();
}

/** Connected and migrated. Several registries may start at once: one migrates, the others wait for it. */
export async function openDatabase(url: string, poolSize = POOL_SIZE): Promise<DataSource> {
  const source = await connectDatabase(url, poolSize);
  try {
    await migrate(source);
  } catch (error) {
    await source.destroy();
    throw error;
  }
  return source;
}

/** Brings the database up to date, and answers the names of the migrations that this took. */
export async function migrateDatabase(url: string): Promise<string[]> {
  const source = await connectDatabase(url, 2);
  try {
    return await migrate(source);
  } finally {
    await source.destroy();
  }
}
