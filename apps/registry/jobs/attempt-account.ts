import { type AttemptOutcome } from '#libs/observability';
import { type JobSituation, type NextState } from './job.rules.js';

/** What an attempt came to, as the metrics count it. */
export interface AttemptAccount {
  outcome: AttemptOutcome;
  /** Of the error that it failed with; null where it did not fail. */
  code: string | null;
}

/** @param lapsed whether it ended because its worker was not heard of any more */
export function attemptAccount(before: Pick<JobSituation, 'failures'>, next: NextState, lapsed: boolean): AttemptAccount {
  const code = next.failures > before.failures ? (next.error?.code ?? null) : null;
  if (lapsed) return { outcome: 'lease_lapsed', code };
  if (next.state !== 'queued') return { outcome: next.state, code };
  return { outcome: code === null ? 'handed_back' : 'retried', code };
}
