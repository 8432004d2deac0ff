import { pino, type DestinationStream, type Logger } from 'pino';
import { pretty } from './pretty.js';
import { harmless } from './secrets/harmless.js';
import { withoutSecrets } from './secrets/without-secrets.js';
import { workFields } from './work.js';

export type { Logger } from 'pino';

const asItIs = <T>(value: T): T => value;

/**
 * One JSON line per event on standard output; words for people when that is a terminal. Each says which request, job and trace it belongs to
 * (`requestId`, `jobId`, `attempt`, `traceId`, `spanId`), and none tells a secret.
 * @param destination another one than standard output
 */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service },
    mixin: workFields,
    formatters: { log: harmless },
    serializers: { err: asItIs, msg: (text: unknown) => (typeof text === 'string' ? withoutSecrets(text) : text) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (destination) return pino(options, destination);
  return process.stdout.isTTY ? pino(options, pretty()) : pino(options);
}

/** For lines that are made of harmless fields alone, and so often that looking for secrets in each would cost more than writing it. */
export function uncheckedLogger(logger: Logger): Logger {
  return logger.child({}, { formatters: { log: asItIs }, serializers: { msg: asItIs } });
}
