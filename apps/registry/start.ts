import { type ViceConfig } from '#libs/config';
import { ViceError } from '#libs/errors';
import { CallServer, startNestService, type Broker, type Closable } from '#libs/messaging';
import { type Logger } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { openDatabase, outageAsUnavailable } from './database/index.js';
import { lockForOneProcess } from './database/one-process-lock.js';
import { RegistryModule } from './registry.module.js';

export interface RegistryDependencies {
  config: ViceConfig;
  broker: Broker;
  logger: Logger;
  databaseUrl: string;
  secretKey: string;
  /** Whether to answer /health on the configured port. */
  listen: boolean;
}

/** Starts the registry: migrates the database, answers calls, looks after jobs. */
export async function startRegistry({
  config,
  broker,
  logger,
  databaseUrl,
  secretKey,
  listen,
}: RegistryDependencies): Promise<Closable> {
  const source = await openDatabase(databaseUrl).catch((cause: unknown) => {
    throw new ViceError(
      'CONFIGURATION',
      `PostgreSQL at DATABASE_URL does not let us in: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  });
  if (!config.amqpUrl) await lockForOneProcess(source);
  const module = RegistryModule.register({ config, broker, source, box: SecretBox.fromKey(secretKey), logger });
  return startNestService(module, [new CallServer('registry', broker, logger, { explain: outageAsUnavailable })], { config, logger, listen });
}
