import { describe, expect, it } from '@jest/globals';
import { JOB } from '../test/fixtures.js';
import { secondsLeft } from './job-answer.js';

describe('when to ask again for what is being made', () => {
  it.each([
    ['nothing is known yet', { bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 }, 5],
    ['it waits', { bytesDone: 0, bytesTotal: 1000, bytesPerSecond: 0 }, 5],
    ['it is half done', { bytesDone: 500, bytesTotal: 1000, bytesPerSecond: 30 }, 17],
    ['it is about to end', { bytesDone: 1000, bytesTotal: 1000, bytesPerSecond: 30 }, 1],
    ['it takes long', { bytesDone: 0, bytesTotal: 1e12, bytesPerSecond: 30 }, 60],
  ])('%s', (_, progress, seconds) => expect(secondsLeft({ ...JOB, ...progress })).toBe(seconds));
});
