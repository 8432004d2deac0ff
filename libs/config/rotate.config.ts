import { resolve } from 'node:path';
import { EnvironmentReader } from './environment-reader.js';
import { otherSecretKeys, secretKey } from './secret-keys.config.js';
import { LOG_LEVELS, type ViceConfig } from './vice.config.js';

export type RotateConfig = Pick<ViceConfig, 'dataDir' | 'databaseUrl' | 'amqpUrl' | 'secretKey' | 'otherSecretKeys' | 'logLevel'>;

/**
 * What changing the secret key needs, and no more: so that it runs with the settings of standalone and with those of a registry alike. Raises
 * CONFIGURATION that lists every fault.
 */
export function loadRotateConfig(variables: Readonly<Record<string, string | undefined>> = process.env): RotateConfig {
  const read = new EnvironmentReader(variables);
  const config: RotateConfig = {
    dataDir: resolve(read.text('VICE_DATA_DIR') ?? 'data'),
    databaseUrl: read.url('DATABASE_URL', ['postgres:', 'postgresql:']),
    amqpUrl: read.url('AMQP_URL', ['amqp:', 'amqps:']),
    secretKey: secretKey(read),
    otherSecretKeys: otherSecretKeys(read),
    logLevel: read.oneOf('VICE_LOG_LEVEL', LOG_LEVELS, 'info'),
  };
  read.finish();
  return config;
}
