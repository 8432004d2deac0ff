import { type ViceConfig } from '#libs/config';
import { CallServer, healthMeanwhile, startNestService, type Broker, type Closable } from '#libs/messaging';
import { type Logger, type Metrics } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { currentSchema } from './current-schema.js';
import { connectDatabase, Database, explained, notLetIn, openDatabase } from './database/index.js';
import { lockForOneProcess } from './database/one-process-lock.js';
import { openedPatiently } from './patient-database.js';
import { RegistryModule } from './registry.module.js';

export interface RegistryDependencies {
  config: ViceConfig;
  broker: Broker;
  logger: Logger;
  metrics: Metrics;
  databaseUrl: string;
  secretKey: string;
  /** Whether to answer /health and /metrics on the configured port. */
  listen: boolean;
  /** Aborts when the process is to end before it has come up. */
  stopping?: AbortSignal;
}

/**
 * Starts the registry: migrates the database or waits until that is done, answers calls, looks after jobs. `checkDatabase` rejects with the
 * reason when the database does not answer.
 */
export async function startRegistry({
  config,
  broker,
  logger,
  metrics,
  databaseUrl,
  secretKey,
  listen,
  stopping,
}: RegistryDependencies): Promise<Closable & { checkDatabase(): Promise<void> }> {
  const open = config.migrateAtStart ? openDatabase : connectDatabase;
  const opening = listen
    ? healthMeanwhile(
        'database',
        openedPatiently(() => open(databaseUrl), logger, stopping),
        { config, logger, metrics },
      )
    : open(databaseUrl);
  const source = await opening.catch((cause: unknown) => {
    if (stopping?.aborted) throw cause;
    throw notLetIn(cause);
  });
  if (!config.migrateAtStart) await currentSchema(source, { config, logger, listen, stopping });
  if (!config.amqpUrl) await lockForOneProcess(source);
  const database = new Database(source, logger);
  const module = RegistryModule.register({
    config,
    broker,
    database,
    box: SecretBox.fromKey(secretKey, config.otherSecretKeys),
    logger,
    metrics,
  });
  const calls = new CallServer('registry', broker, logger, {
    explain: (error) => explained(error, () => database.check(), logger),
  });
  const { close } = await startNestService(module, [calls], { config, logger, listen });
  return { close, checkDatabase: () => database.check() };
}
