import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { BlobCalls, HOLD_SECONDS, type Ask } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { BlobLedger } from './blob-ledger.js';

const UPLOAD = 'upload-11111111-1111-4111-8111-111111111111';
const DOWNLOAD = 'download-22222222-2222-4222-8222-222222222222';
const JOB = '33333333-3333-4333-8333-333333333333';

let asked: { name: string; request: unknown }[];
let answers: unknown[];
let ledger: BlobLedger;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['performance', 'nextTick'] });
  asked = [];
  answers = [];
  const ask: Ask = async (call, request) => {
    asked.push({ name: call.name, request });
    const answer = answers.shift() ?? {};
    if (answer instanceof Error) throw answer;
    return answer as never;
  };
  ledger = new BlobLedger(ask);
});
afterEach(() => void jest.useRealTimers());

const renewals = () => asked.filter(({ name }) => name === BlobCalls.renewHolds.name).map(({ request }) => request);

test('renews what it keeps, all in one call, well before it expires, until it is let go as often as it was kept', async () => {
  const letGo = [ledger.keepAlive(UPLOAD), ledger.keepAlive(DOWNLOAD), ledger.keepAlive(DOWNLOAD)];
  await jest.advanceTimersByTimeAsync((HOLD_SECONDS * 1000) / 3);
  expect(renewals()).toEqual([{ holders: [UPLOAD, DOWNLOAD] }]);
  letGo[0]?.();
  letGo[1]?.();
  letGo[1]?.();
  await jest.advanceTimersByTimeAsync((HOLD_SECONDS * 1000) / 3);
  expect(renewals().at(-1)).toEqual({ holders: [DOWNLOAD] });
  letGo[2]?.();
  await jest.advanceTimersByTimeAsync(HOLD_SECONDS * 1000);
  expect(renewals()).toHaveLength(2);
  expect(jest.getTimerCount()).toBe(0);
});

test('renews again after the registry was away', async () => {
  answers = [new ViceError('UNAVAILABLE', 'nobody answers')];
  ledger.keepAlive(UPLOAD);
  await jest.advanceTimersByTimeAsync((HOLD_SECONDS * 1000) / 3);
  await jest.advanceTimersByTimeAsync((HOLD_SECONDS * 1000) / 3);
  expect(renewals()).toHaveLength(2);
});

test('does not renew what a job holds: it lasts as long as the job', async () => {
  ledger.keepAlive(JOB);
  ledger.keepAlive(`${JOB}.3`);
  await jest.advanceTimersByTimeAsync(HOLD_SECONDS * 1000);
  expect(asked).toEqual([]);
});

test('bears with a registry that starts again in the middle of a transfer, until that is given up', async () => {
  jest.useRealTimers();
  const space = { freeBytes: 1, staged: {} };
  const away = new ViceError('UNAVAILABLE', 'nobody answers');
  answers = [away, away];
  await ledger.reserveSpace(UPLOAD, 1, space);
  expect(asked).toHaveLength(3);
  answers = Array.from({ length: 100 }, () => away);
  const givenUp = new AbortController();
  const waiting = expect(ledger.reserveSpace(UPLOAD, 1, space, givenUp.signal)).rejects.toThrow('aborted');
  givenUp.abort();
  await waiting;
  answers = [new ViceError('STORAGE_FULL', 'full')];
  await expect(ledger.reserveSpace(UPLOAD, 1, space)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
});

test('asks again while a blob is being deleted', async () => {
  jest.useRealTimers();
  answers = [{ state: 'wait' }, { state: 'wait' }, { state: 'reserved' }];
  await ledger.reserveBlob(UPLOAD, `sha256:${'a'.repeat(64)}`, 1);
  expect(asked).toHaveLength(3);
});
