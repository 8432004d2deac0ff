import { EnvironmentReader } from './environment-reader.js';
import { LOG_LEVELS, type ViceConfig } from './vice.config.js';

export interface MigrateConfig {
  /** `postgres://…` */
  readonly databaseUrl: string;
  readonly logLevel: ViceConfig['logLevel'];
}

/** What bringing the database up to date needs, and no more: a job that only migrates is given no broker and no secret key. Raises CONFIGURATION that lists every fault. */
export function loadMigrateConfig(variables: Readonly<Record<string, string | undefined>> = process.env): MigrateConfig {
  const read = new EnvironmentReader(variables);
  const databaseUrl = read.url('DATABASE_URL', ['postgres:', 'postgresql:']);
  if (databaseUrl === null && read.text('DATABASE_URL') === null)
    read.fault('DATABASE_URL is missing: it says which PostgreSQL to bring up to date');
  const logLevel = read.oneOf('VICE_LOG_LEVEL', LOG_LEVELS, 'info');
  read.finish();
  return { databaseUrl: databaseUrl ?? '', logLevel };
}
