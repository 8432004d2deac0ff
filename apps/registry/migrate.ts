import { loadMigrateConfig, refuseArguments } from '#libs/config';
import { ViceError } from '#libs/errors';
import { createLogger } from '#libs/observability';
import { migrateDatabase } from './database/index.js';

/** Exit codes, for whoever runs this as a job: only the second is worth another try. */
const FAILED = 1;
const MISCONFIGURED = 2;

/** Brings the database up to date and ends: 0 when it is, 1 when that failed, 2 when the configuration is wrong. May run beside others of its kind. */
async function run(): Promise<number> {
  const { databaseUrl, logLevel } = loadMigrateConfig();
  const logger = createLogger('migrate', logLevel);
  try {
    const migrations = await migrateDatabase(databaseUrl);
    logger.info({ migrations }, migrations.length > 0 ? 'the database is up to date now' : 'the database was up to date already');
    return 0;
  } catch (error) {
    logger.error({ err: error }, 'the database could not be brought up to date');
    return FAILED;
  }
}

refuseArguments('migrate brings the database at DATABASE_URL up to date with this release, and ends. See docs/operations.md.');
try {
  process.exitCode = await run();
} catch (error) {
  if (!(error instanceof ViceError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = MISCONFIGURED;
}
