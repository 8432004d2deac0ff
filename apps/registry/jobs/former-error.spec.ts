import { expect, test } from '@jest/globals';
import { withFormerError } from './former-error.js';

const failed = { attempt: 8, errorCode: 'CREDENTIALS_REFUSED', errorMessage: 'wrong password', userId: 'ada' };
const line = 'attempt 8 failed with CREDENTIALS_REFUSED: wrong password\nrun again by ';

test.each<[string, string | null, string, string]>([
  ['begins one where there is none', null, 'ada', `${line}its owner\n`],
  ['goes on after a line', 'Step 1/2\n', 'ada', `Step 1/2\n${line}its owner\n`],
  ['ends a line that is none yet', 'Step 1/2', 'root', `Step 1/2\n${line}an administrator\n`],
])('the log of a job that is run again %s', (_, log, userId, expected) => {
  expect(withFormerError({ ...failed, log }, { userId, administrator: userId !== 'ada' })).toBe(expected);
});

test('it stays as long as a log may be, and keeps its end', () => {
  const log = withFormerError({ ...failed, log: 'x'.repeat(65_536) }, { userId: 'ada', administrator: false });
  expect([log.length, log.endsWith(`${line}its owner\n`)]).toEqual([65_536, true]);
});
