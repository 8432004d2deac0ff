import { type JobOutcome, type Json } from '#libs/contracts';
import { ViceError } from '#libs/errors';

/** Why an attempt was told to stop. */
export type StopReason = 'cancelled' | 'fenced' | 'lease-lost' | 'shutdown';

export type AttemptEnd = { result: unknown } | { error: unknown };

/** The largest outcome that is reported. Brokers take at least twice as much in one message. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * What is reported of an attempt; null: nothing, because a later attempt has the job or may have it, and its own report counts.
 * A handler that ended well says so even when it was told to stop: the registry decides what that is worth.
 */
export function outcomeOf(end: AttemptEnd, stop: StopReason | null): JobOutcome | null {
  if ('result' in end) return reportable({ kind: 'succeeded', result: (end.result ?? {}) as Json });
  const error = ViceError.from(end.error);
  if (stop === 'fenced' || stop === 'lease-lost' || error.code === 'JOB_FENCED' || error.code === 'LEASE_LOST') return null;
  if (stop === 'cancelled' || error.code === 'JOB_CANCELLED') return { kind: 'cancelled' };
  if (stop === 'shutdown') return { kind: 'handed-back' };
  const { code, message, transient, retryAfter } = error;
  return reportable({ kind: 'failed', code, message, transient, ...(retryAfter === undefined ? {} : { retryAfter }) });
}

/** What cannot be said in a message fails for good: another attempt would bring the same. */
function reportable(outcome: JobOutcome): JobOutcome {
  try {
    if (Buffer.byteLength(JSON.stringify(outcome)) <= MOST_BYTES) return outcome;
  } catch {
    // no JSON, or more than a string can hold
  }
  const message = 'what came of the job cannot be reported: it is no JSON, or more than 8 MiB';
  return { kind: 'failed', code: 'INTERNAL', message, transient: false };
}
