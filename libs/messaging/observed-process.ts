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
  const { app, secretKey, databaseUrl, amqpUrl, traces } = config;
  const logger = createLogger(app, config.logLevel);
  const headers = Object.values(traces?.headers ?? {}).flatMap((value) => [value, value.split(' ').at(-1)]);
  neverLog([secretKey, ...passwordsIn(databaseUrl, amqpUrl, traces?.endpoint ?? null), ...headers]);
  endWithLastWords(logger);
  return { logger, tracing: await startTracing(traces, logger) };
}
