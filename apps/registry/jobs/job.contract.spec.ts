import { expect, test } from '@jest/globals';
import { type JobEntity } from '../database/index.js';
import { toJob } from './job.contract.js';

const percentOf = (job: Partial<JobEntity>) => toJob({ createdAt: new Date(0), ...job } as JobEntity).percent;

test.each<[string, Partial<JobEntity>, number | null]>([
  ['whose total is unknown', { state: 'running', bytesDone: 5, bytesTotal: null }, null],
  ['that waits', { state: 'queued', bytesDone: 0, bytesTotal: 1000 }, 0],
  ['that is about to be through', { state: 'running', bytesDone: 999, bytesTotal: 1000 }, 99],
  ['that is through', { state: 'running', bytesDone: 1000, bytesTotal: 1000 }, 100],
  ['that moved more than was foreseen', { state: 'running', bytesDone: 1001, bytesTotal: 1000 }, 100],
  ['with nothing to move', { state: 'running', bytesDone: 0, bytesTotal: 0 }, 0],
  ['that failed', { state: 'failed', bytesDone: 505, bytesTotal: 1000 }, 50],
  ['that succeeded, whatever it moved', { state: 'succeeded', bytesDone: 0, bytesTotal: null }, 100],
])('a job %s is done by so many percent', (_, job, percent) => {
  expect(percentOf(job)).toBe(percent);
});
