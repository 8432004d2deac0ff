import { pino, type Logger } from 'pino';
import { pretty } from './pretty.js';

export type { Logger } from 'pino';

/** Keys that are never written, wherever in a logged object of up to three levels they stand. */
const SECRET_KEYS = ['password', 'passwd', 'secret', 'token', 'authorization', 'secrets', 'key', 'sshKey', 'private'];
const REDACTED = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);

/** One JSON line per event on standard output; words for people when that is a terminal. */
export function createLogger(service: string, level: string): Logger {
  const options = {
    level,
    base: { service },
    redact: { paths: REDACTED, censor: '[secret]' },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  return process.stdout.isTTY ? pino(options, pretty()) : pino(options);
}
