import { describe, expect, it } from '@jest/globals';
import { type JobMessage, type JobOutcome } from '#libs/contracts';
import {
  afterDeadLetter,
  afterLapse,
  afterReport,
  afterToolsMissing,
  couldBeJob,
  leavesTemporaries,
  type JobSituation,
  type NextState,
} from './job.rules.js';
import { handOnDelayMs, retryDelayMs } from './retry.rules.js';

const fresh: JobSituation = { failures: 0, cancelRequested: false };
const seventh: JobSituation = { failures: 7, cancelRequested: false };
const cancelled: JobSituation = { failures: 1, cancelRequested: true };
const unreachable: JobOutcome = { kind: 'failed', code: 'ENVIRONMENT_UNREACHABLE', message: 'no answer', transient: true };
const refused: JobOutcome = { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'wrong password', transient: false };

describe('what becomes of a job when its attempt ends', () => {
  const table: [string, JobSituation, JobOutcome, Partial<NextState>][] = [
    ['success ends it', fresh, { kind: 'succeeded', result: {} }, { state: 'succeeded', error: null }],
    [
      'success stands, even when a cancellation was on its way',
      cancelled,
      { kind: 'succeeded', result: {} },
      { state: 'succeeded' },
    ],
    ['a transient error is tried again', fresh, unreachable, { state: 'queued', failures: 1, delayMs: 1500 }],
    ['the eighth failure is the last', seventh, unreachable, { state: 'failed', failures: 8 }],
    [
      'a final error fails at once',
      fresh,
      refused,
      { state: 'failed', failures: 1, error: { code: 'CREDENTIALS_REFUSED', message: 'wrong password' } },
    ],
    [
      'handing back costs no failure and no time',
      seventh,
      { kind: 'handed-back' },
      { state: 'queued', failures: 7, delayMs: 0, error: null },
    ],
    ['a cancelled job is not tried again', cancelled, unreachable, { state: 'cancelled' }],
    ['nor after it was handed back', cancelled, { kind: 'handed-back' }, { state: 'cancelled' }],
    ['the worker says that it stopped', cancelled, { kind: 'cancelled' }, { state: 'cancelled' }],
  ];
  it.each(table)('%s', (_, job, outcome, expected) => {
    expect(afterReport(job, outcome, 0.5)).toMatchObject(expected);
  });

  it('a lapsed lease counts as a failure', () => {
    expect(afterLapse(fresh, 0)).toMatchObject({ state: 'queued', failures: 1, error: { code: 'LEASE_LOST' } });
    expect(afterLapse(seventh, 0)).toMatchObject({ state: 'failed', failures: 8 });
    expect(afterLapse(cancelled, 0)).toMatchObject({ state: 'cancelled' });
  });
});

describe('what becomes of a job whose message the broker gave up on', () => {
  it('it has failed once more, and is tried again after a while', () => {
    expect(afterDeadLetter(fresh, 'rejected', 0.5)).toMatchObject({
      ...{ state: 'queued', failures: 1, delayMs: 1500 },
      error: { code: 'MESSAGE_DEAD_LETTERED', message: expect.stringContaining('as rejected') },
    });
  });

  it('it has failed for good the eighth time, and says so', () => {
    expect(afterDeadLetter(seventh, null, 0)).toMatchObject({
      ...{ state: 'failed', failures: 8 },
      error: { code: 'MESSAGE_DEAD_LETTERED', message: expect.stringMatching(/without saying why.*given up after 8 attempts/) },
    });
  });

  it('it is cancelled where that was asked for', () => {
    expect(afterDeadLetter(cancelled, 'rejected', 0)).toMatchObject({ state: 'cancelled' });
  });
});

describe('what becomes of a job that its worker has no tools for, and another has', () => {
  const error = { code: 'TOOLS_MISSING', message: 'qemu-img is not installed' };

  it.each<[string, JobSituation, boolean, Partial<NextState>]>([
    ['is handed on, and no failure', seventh, true, { state: 'queued', failures: 7, delayMs: 3000, error }],
    ['counts as a failure where the worker had not said so', fresh, false, { state: 'queued', failures: 1, error }],
    ['is the last failure of a worker that is mistaken', seventh, false, { state: 'failed', failures: 8 }],
    ['is cancelled where that is asked for', cancelled, true, { state: 'cancelled' }],
  ])('%s', (_, job, lacks, expected) => {
    expect(afterToolsMissing({ ...job, attempt: 2 }, error, { lacks }, 0.5)).toMatchObject(expected);
  });

  it('waits longer each time, half a minute at most: the other may be busy for hours', () => {
    expect([1, 2, 5, 6, 1000].map((attempts) => handOnDelayMs(attempts, 0))).toEqual([1000, 2000, 16_000, 16_000, 16_000]);
    expect(handOnDelayMs(1000, 0.999)).toBeLessThan(32_000);
  });
});

describe('the temporaries of an import', () => {
  const succeeded: JobOutcome = { kind: 'succeeded', result: {} };
  it.each<[string, boolean, JobOutcome, boolean | undefined, boolean]>([
    ['are left when an attempt says so', false, unreachable, true, true],
    ['are left by a success that could not dispose of them', false, succeeded, true, true],
    ['are none where none ever were', false, refused, undefined, false],
    ['are still there after an attempt that made none', true, refused, undefined, true],
    ['are still there when the job is cancelled', true, { kind: 'cancelled' }, undefined, true],
    ['are still there when it is handed back', true, { kind: 'handed-back' }, undefined, true],
    ['are gone with a success, which disposes of them', true, succeeded, undefined, false],
  ])('%s', (_, before, outcome, leftTemporaries, after) => {
    const progress = { bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 };
    expect(leavesTemporaries(before, { jobId: '', attempt: 2, outcome, progress, leftTemporaries })).toBe(after);
  });
});

describe('a message in a job queue', () => {
  const jobId = '6f1c1f6e-7b0c-4d0a-9a53-0f6a2d0a7a11';
  it.each<[string, JobMessage, boolean]>([
    ['may name a job', { jobId, attempt: 1 }, true],
    ['names none by what is no id of ours', { jobId: 'nobody-knows', attempt: 1 }, false],
    ['names none by an attempt that never is', { jobId, attempt: 0 }, false],
    ['names none by half an attempt', { jobId, attempt: 1.5 }, false],
    ['names none by an attempt that no row can hold', { jobId, attempt: 2 ** 31 }, false],
  ])('%s', (_, message, could) => {
    expect(couldBeJob(message)).toBe(could);
  });
});

describe('the wait before the next attempt', () => {
  it('is 1 to 2 s at first, and doubles', () => {
    expect([retryDelayMs(1, 0), retryDelayMs(1, 1)]).toEqual([1000, 2000]);
    expect([retryDelayMs(4, 0), retryDelayMs(4, 1)]).toEqual([8000, 16_000]);
  });

  it('never exceeds 5 minutes by itself', () => {
    expect(retryDelayMs(20, 1)).toBe(300_000);
  });

  it('heeds what the environment asked for', () => {
    expect(retryDelayMs(1, 0, 120)).toBe(120_000);
    expect(retryDelayMs(8, 1, 1)).toBeGreaterThan(1000);
  });
});
