import { setTimeout as sleep } from 'node:timers/promises';
import { type DataSource } from 'typeorm';
import { type ViceConfig } from '#libs/config';
import { startNestService } from '#libs/messaging';
import { HealthModule, type Logger } from '#libs/observability';
import { missingMigrations } from './database/index.js';

const LOOK_MS = 1000;

interface Waiting {
  config: ViceConfig;
  logger: Logger;
  /** Whether to answer /health meanwhile: live, and not ready. */
  listen: boolean;
  stopping?: AbortSignal;
}

/** Resolves once another process has brought the database up to this release. Raises the reason of `stopping` when that comes first. */
export async function currentSchema(source: DataSource, { config, logger, listen, stopping }: Waiting): Promise<void> {
  let missing = await missingMigrations(source);
  if (missing.length === 0) return;
  logger.warn({ missing }, 'the database is not up to date: waiting for the job that migrates it (npm run migrate)');
  const refuse = async () => {
    throw new Error(`the database lacks ${missing.join(', ')}: the job that migrates it (npm run migrate) has not run`);
  };
  const health = await startNestService(HealthModule.register({ schema: refuse }), [], { config, logger, listen });
  try {
    while (missing.length > 0) {
      await sleep(LOOK_MS, undefined, { signal: stopping });
      missing = await lookAgain(source, missing, logger);
    }
  } finally {
    await health.close();
  }
  logger.info('the database is up to date');
}

/** An outage of the database is waited out, too. */
async function lookAgain(source: DataSource, before: string[], logger: Logger): Promise<string[]> {
  try {
    return await missingMigrations(source);
  } catch (error) {
    logger.warn({ err: error }, 'the database does not say whether it is up to date; asking again');
    return before;
  }
}
