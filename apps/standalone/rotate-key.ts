import { loadRotateConfig, refuseArguments, type RotateConfig } from '#libs/config';
import { startFault } from '#libs/messaging';
import { createLogger } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { rotateDatabaseKey } from '../registry/rotate-key.js';
import { EmbeddedPostgres } from './embedded-postgres.js';
import { withNextKey } from './secret-key.js';

/**
 * npm run rotate-key: seals everything with another secret key. With VICE_SECRET_KEY (the new one) and VICE_OTHER_SECRET_KEYS (the former), in the
 * database at DATABASE_URL, also while services run that know both. Without, it makes a new key for the data folder, whose ViCE must not run.
 */
async function rotate(config: RotateConfig): Promise<string> {
  const { secretKey, otherSecretKeys, dataDir } = config;
  const change = async (key: string, others: readonly string[]) => inDatabase(config, SecretBox.fromKey(key, others));
  return secretKey === null
    ? withNextKey(dataDir, (keys) => change(keys.secretKey, [...keys.otherSecretKeys, ...otherSecretKeys]))
    : change(secretKey, otherSecretKeys);
}

async function inDatabase({ databaseUrl, dataDir, amqpUrl, logLevel }: RotateConfig, box: SecretBox): Promise<string> {
  await using embedded = databaseUrl === null ? await EmbeddedPostgres.start({ dataDir }) : null;
  const logger = createLogger('rotate-key', logLevel);
  // Awaited here: the database ends with this block.
  return await rotateDatabaseKey({
    databaseUrl: databaseUrl ?? embedded?.databaseUrl ?? '',
    box,
    logger,
    alone: amqpUrl === null,
  });
}

refuseArguments(
  'rotate-key seals all secrets of the database with the key in VICE_SECRET_KEY; VICE_OTHER_SECRET_KEYS opens those that are there, DATABASE_URL says ' +
    'where they are. Without VICE_SECRET_KEY it makes a new key for the data folder. See docs/operations.md.',
);
try {
  process.stdout.write(`${await rotate(loadRotateConfig())}\n`);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${startFault(error)}\n`);
  process.exit(1);
}
