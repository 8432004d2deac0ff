import { PinoPretty } from 'pino-pretty';

/** The stream that turns log lines into words, for terminals. */
export function pretty() {
  return PinoPretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', messageFormat: '[{service}] {msg}', sync: true });
}
