import { type ViceConfig } from '#libs/config';
import {
  createLogger,
  endWithLastWords,
  neverLog,
  passwordsIn,
  startTracing,
  type Logger,
  type Tracing,
} from '#libs/observability';

/** What tells of a process: its log lines, from the first to the last, and its traces where they are wanted. No secret of the configuration is in them. */
export async function observeProcess(config: ViceConfig): Promise<{ logger: Logger; tracing: Tracing }> {
  const { app, secretKey, otherSecretKeys, databaseUrl, amqpUrl, blobStore, traces } = config;
  const logger = createLogger(app, config.logLevel);
  const headers = Object.values(traces?.headers ?? {}).flatMap((value) => [value, value.split(' ').at(-1)]);
  const storeKey = blobStore.kind === 's3' ? blobStore.secretAccessKey : null;
  const passwords = passwordsIn(databaseUrl, amqpUrl, traces?.endpoint ?? null);
  neverLog([secretKey, ...otherSecretKeys, storeKey, ...passwords, ...headers]);
  endWithLastWords(logger);
  return { logger, tracing: await startTracing(traces, logger) };
}
