import { type Logger } from './logger.js';

/** What nobody caught ends the process, as it would anyway, but says so as a log line. */
export function endWithLastWords(logger: Logger): void {
  const end = (what: string) => (error: unknown) => {
    logger.fatal({ err: error instanceof Error ? error : new Error(String(error)) }, what);
    process.exit(1);
  };
  process.on('uncaughtException', end('an exception that nobody caught: the process ends'));
  process.on('unhandledRejection', end('a rejection that nobody handled: the process ends'));
}
