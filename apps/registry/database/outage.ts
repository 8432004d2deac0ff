import { ViceError } from '#libs/errors';
import { type Logger } from '#libs/observability';

const RETRY_AFTER_SECONDS = 2;

/** Of PostgreSQL, by their beginnings: connection lost, shut down or starting up, out of resources, ended while idle, only a standby. */
const SQL_STATES = ['08', '57P', '53', '25P03', '25006'];

const SYSTEM_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENOENT'],
  ...['ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'],
]);

/** What pg and TypeORM say without a code when a connection has ended under a statement, or none is to be had. */
const MESSAGES = [
  /^Connection terminated/,
  /^timeout exceeded when trying to connect/,
  /^timeout expired$/,
  /^Query read timeout/,
  /is not queryable$/,
  /^Query runner already released/,
  /^Driver not Connected/,
];

interface Fault {
  code?: unknown;
  message?: unknown;
  driverError?: unknown;
  errors?: unknown;
}

/** Whether an error says that the database cannot be asked at the moment, rather than that a question was wrong. */
export function isOutage(error: unknown): boolean {
  if (error instanceof ViceError || typeof error !== 'object' || error === null) return false;
  const { code, message, driverError, errors } = error as Fault;
  if (driverError !== undefined && driverError !== error && isOutage(driverError)) return true;
  if (Array.isArray(errors) && errors.length > 0) return errors.every(isOutage);
  if (typeof code === 'string') {
    if (SYSTEM_CODES.has(code)) return true;
    if (code.length === 5 && SQL_STATES.some((beginning) => code.startsWith(beginning))) return true;
  }
  return typeof message === 'string' && MESSAGES.some((pattern) => pattern.test(message));
}

/**
 * An error as callers are told of it: an outage as UNAVAILABLE, to be tried again soon. An error that nobody knows, met while the database does not
 * answer, is taken for the doing of that outage. `check` rejects while it does not.
 */
export async function explained(error: unknown, check: () => Promise<void>, logger: Logger): Promise<unknown> {
  if (error instanceof ViceError) return error;
  if (isOutage(error)) return unavailable(error);
  try {
    await check();
    return error;
  } catch {
    logger.warn({ err: error }, 'an error that came while the database does not answer is taken for that outage');
    return unavailable(error);
  }
}

const unavailable = (cause: unknown): ViceError =>
  new ViceError('UNAVAILABLE', 'the database does not answer at the moment; try again in a few seconds', {
    cause,
    retryAfter: RETRY_AFTER_SECONDS,
  });
