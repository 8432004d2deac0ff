import { expect, test } from '@jest/globals';
import { attemptAccount, type AttemptAccount } from './attempt-account.js';
import { afterLapse, afterReport, afterToolsMissing, type NextState } from './job.rules.js';

const fresh = { failures: 0, cancelRequested: false, attempt: 1 };
const cancelled = { ...fresh, cancelRequested: true };
const worn = { ...fresh, failures: 7 };
const failed = (transient: boolean) => ({ kind: 'failed' as const, code: 'ENVIRONMENT_FAILED', message: '', transient });
const toolsMissing = { code: 'TOOLS_MISSING', message: '' };

test.each<[string, { failures: number }, NextState, boolean, AttemptAccount]>([
  ['succeeded', fresh, afterReport(fresh, { kind: 'succeeded', result: {} }, 0), false, { outcome: 'succeeded', code: null }],
  ['failed for good', fresh, afterReport(fresh, failed(false), 0), false, { outcome: 'failed', code: 'ENVIRONMENT_FAILED' }],
  [
    'failed and is tried again',
    fresh,
    afterReport(fresh, failed(true), 0),
    false,
    { outcome: 'retried', code: 'ENVIRONMENT_FAILED' },
  ],
  ['failed once too often', worn, afterReport(worn, failed(true), 0), false, { outcome: 'failed', code: 'ENVIRONMENT_FAILED' }],
  [
    'failed after a cancellation',
    cancelled,
    afterReport(cancelled, failed(true), 0),
    false,
    { outcome: 'cancelled', code: null },
  ],
  [
    'stopped at a cancellation',
    cancelled,
    afterReport(cancelled, { kind: 'cancelled' }, 0),
    false,
    { outcome: 'cancelled', code: null },
  ],
  ['was handed back', fresh, afterReport(fresh, { kind: 'handed-back' }, 0), false, { outcome: 'handed_back', code: null }],
  [
    'was handed on',
    fresh,
    afterToolsMissing(fresh, toolsMissing, { lacks: true }, 0),
    false,
    { outcome: 'handed_back', code: null },
  ],
  [
    'lacked tools',
    fresh,
    afterToolsMissing(fresh, toolsMissing, { lacks: false }, 0),
    false,
    { outcome: 'retried', code: 'TOOLS_MISSING' },
  ],
  ['lapsed', fresh, afterLapse(fresh, 0), true, { outcome: 'lease_lapsed', code: 'LEASE_LOST' }],
  ['lapsed once too often', worn, afterLapse(worn, 0), true, { outcome: 'lease_lapsed', code: 'LEASE_LOST' }],
  ['lapsed after a cancellation', cancelled, afterLapse(cancelled, 0), true, { outcome: 'lease_lapsed', code: null }],
])('an attempt that %s', (_, before, next, lapsed, account) => {
  expect(attemptAccount(before, next, lapsed)).toEqual(account);
});
