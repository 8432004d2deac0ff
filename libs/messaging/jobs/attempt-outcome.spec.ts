import { expect, test } from '@jest/globals';
import { ViceError } from '#libs/errors';
import { outcomeOf, type StopReason } from './attempt-outcome.js';

const failure = new ViceError('ENVIRONMENT_BUSY', 'later', { retryAfter: 3 });
const failed = { kind: 'failed', code: 'ENVIRONMENT_BUSY', message: 'later', transient: true, retryAfter: 3 };
const hidden = { kind: 'failed', code: 'INTERNAL', message: 'an internal error occurred; it has been logged', transient: true };
const fenced = new ViceError('JOB_FENCED', '');

test.each<[string, unknown, StopReason | null, unknown]>([
  ['an error by its code', failure, null, failed],
  ['a fault of ours, hidden', new TypeError('inside'), null, hidden],
  ['what was no error at all', undefined, null, hidden],
  ['cancelled, when that was why', new Error('aborted'), 'cancelled', { kind: 'cancelled' }],
  ['cancelled, when a call said so first', new ViceError('JOB_CANCELLED', ''), null, { kind: 'cancelled' }],
  ['handed back, when the worker shuts down', failure, 'shutdown', { kind: 'handed-back' }],
  ['nothing of a fenced attempt', failure, 'fenced', null],
  ['nothing of one that a call fenced', fenced, null, null],
  ['nothing once the lease was lost', failure, 'lease-lost', null],
])('it reports %s', (_what, error, stop, outcome) => {
  expect(outcomeOf({ error }, stop)).toEqual(outcome);
});

test.each<StopReason | null>([null, 'cancelled', 'fenced', 'lease-lost', 'shutdown'])(
  'what ended well is told, also when stopped: %s',
  (stop) => {
    expect(outcomeOf({ result: { digest: 'd' } }, stop)).toEqual({ kind: 'succeeded', result: { digest: 'd' } });
    expect(outcomeOf({ result: undefined }, stop)).toEqual({ kind: 'succeeded', result: {} });
  },
);

const circle: Record<string, unknown> = {};
circle.again = circle;

test.each<[string, { result: unknown } | { error: unknown }]>([
  ['a circle', { result: circle }],
  ['a number that JSON does not know', { result: { size: 1n } }],
  ['more text than a message holds', { result: 'x'.repeat(9 << 20) }],
  ['an error that says too much', { error: new ViceError('ENVIRONMENT_FAILED', 'x'.repeat(9 << 20)) }],
])('what cannot be said in a message fails for good: %s', (_what, end) => {
  expect(outcomeOf(end, null)).toMatchObject({ kind: 'failed', code: 'INTERNAL', transient: false });
});
