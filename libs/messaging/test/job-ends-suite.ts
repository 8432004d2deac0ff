import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { JobCalls } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { type DeadMessage } from '../broker.js';
import { type JobBench } from './job-bench.js';

/** How a job comes to a worker, and how it leaves it. */
export function jobEndsSuite(bench: JobBench): void {
  describe('the end of a job', () => {
    test('its result is reported with what it moved and printed, and its message is gone', async () => {
      await bench.work(async (payload, job) => {
        job.setTotal(7);
        const meter = job.meter();
        meter.resume().end(Buffer.from('hello'));
        await once(meter, 'end');
        job.advance(2);
        job.log('one');
        job.log('two\n');
        return { payload, writer: job.writer, attempt: job.attempt };
      });
      const row = await bench.table.add({ imageId: 'i' });
      await bench.ended(row, 'succeeded');
      const result = { payload: { imageId: 'i' }, writer: `${row.id}.1`, attempt: 1 };
      expect(row.reports).toEqual([
        {
          ...{ jobId: row.id, attempt: 1, outcome: { kind: 'succeeded', result }, log: 'one\ntwo\n' },
          progress: { bytesDone: 7, bytesTotal: 7, bytesPerSecond: expect.any(Number) },
        },
      ]);
      await bench.queueIsEmpty();
    });

    test('a message that stands for no job is a dead letter, and the next job is taken', async () => {
      const dead: DeadMessage[] = [];
      const reader = await bench.broker.consumeDeadLetters('import', async (letter) => void dead.push(letter));
      await bench.work(async () => 1);
      await bench.broker.publishJob('import', { jobId: 'nobody', attempt: 1 });
      await bench.ended(await bench.table.add(), 'succeeded');
      await until(() => dead.length === 1, { what: 'the dead letter is read' });
      expect(dead[0]).toMatchObject({ message: { jobId: 'nobody', attempt: 1 }, reason: 'rejected' });
      await reader.close();
    });

    test.each([
      [
        'a final error fails it',
        new ViceError('CREDENTIALS_REFUSED', 'wrong password'),
        'CREDENTIALS_REFUSED',
        'wrong password',
        false,
      ],
      [
        'a transient error is said to be one',
        new ViceError('ENVIRONMENT_BUSY', 'later', { retryAfter: 9 }),
        'ENVIRONMENT_BUSY',
        'later',
        true,
      ],
      [
        'an unknown error is transient and hidden',
        new Error('secret'),
        'INTERNAL',
        'an internal error occurred; it has been logged',
        true,
      ],
    ])('%s', async (_rule, error, code, message, transient) => {
      await bench.work(async (_payload, job) => {
        if (job.attempt > 1) return {};
        job.leftTemporaries();
        throw error;
      });
      const row = await bench.table.add();
      await bench.ended(row, transient ? 'succeeded' : 'failed');
      const retryAfter = error instanceof ViceError && error.retryAfter ? { retryAfter: error.retryAfter } : {};
      expect(row.reports[0]).toMatchObject({
        leftTemporaries: true,
        outcome: { kind: 'failed', code, message, transient, ...retryAfter },
      });
    });

    test('a report is repeated until the registry hears it', async () => {
      let refusals = 3;
      const ask = bench.asking((call) => call === JobCalls.reportJob && refusals-- > 0);
      await bench.work(async () => ({}), { ask });
      await bench.ended(await bench.table.add(), 'succeeded');
      expect(refusals).toBeLessThan(1);
    });

    test('a report that cannot be put into a message fails its job, and the next one runs', async () => {
      const circle: Record<string, unknown> = {};
      circle.again = circle;
      await bench.work(async (_payload, job) => (job.id === unsayable.id ? circle : {}), { concurrency: 1 });
      const unsayable = await bench.table.add();
      await bench.ended(unsayable, 'failed');
      expect(unsayable.reports[0]?.outcome).toMatchObject({ code: 'INTERNAL', transient: false });
      await bench.ended(await bench.table.add(), 'succeeded');
    });

    test('a report that the registry answers with faults is given up with the lease; the next attempt runs', async () => {
      let faults = 0;
      const faulty = (request: unknown) => (request as { attempt: number }).attempt === 1 && ++faults > 0;
      const ask = bench.asking((call, request) => call === JobCalls.reportJob && faulty(request), 'INTERNAL');
      await bench.work(async () => ({}), { ask, concurrency: 1 });
      const row = await bench.table.add();
      await bench.ended(row, 'succeeded');
      expect(row.attempt).toBe(2);
      expect(faults).toBeGreaterThan(1);
    });
  });

  describe('the claim', () => {
    test('a job that is not to be claimed is acknowledged and does not run', async () => {
      let runs = 0;
      await bench.work(async () => ++runs);
      await bench.broker.publishJob('import', { jobId: 'nobody-knows', attempt: 1 });
      const row = await bench.table.add();
      await bench.ended(row, 'succeeded');
      await bench.broker.publishJob('import', { jobId: row.id, attempt: 1 });
      await bench.ended(await bench.table.add(), 'succeeded');
      expect(runs).toBe(2);
      await bench.queueIsEmpty();
    });

    test('it is repeated while the registry cannot be reached, and the message is kept', async () => {
      let refusals = 3;
      const ask = bench.asking((call) => call === JobCalls.claimJob && refusals-- > 0);
      await bench.work(async () => ({}), { ask });
      const row = await bench.table.add();
      await bench.ended(row, 'succeeded');
      expect(row.attempt).toBe(1);
    });

    test('it is given up where the registry answers it with faults, so that other jobs run', async () => {
      let faults = 0;
      const faulty = (request: unknown) => (request as { jobId: string }).jobId === poison.id && ++faults > 0;
      const ask = bench.asking((call, request) => call === JobCalls.claimJob && faulty(request), 'INTERNAL');
      await bench.work(async () => ({}), { ask, concurrency: 1 });
      const poison = await bench.table.add();
      await until(() => faults > 1, { what: 'it was asked again' });
      await bench.ended(await bench.table.add(), 'succeeded');
      expect(poison.state).toBe('queued');
    });

    test('no more jobs run at once than allowed', async () => {
      let now = 0;
      let most = 0;
      await bench.work(async () => {
        most = Math.max(most, ++now);
        await until(() => most >= 2, { what: 'two run at once' });
        await new Promise((resolve) => setTimeout(resolve, 20));
        now -= 1;
      });
      const rows = await Promise.all(Array.from({ length: 8 }, () => bench.table.add()));
      await until(() => rows.every((row) => row.state === 'succeeded'), { what: 'all have ended' });
      expect(most).toBe(2);
    });
  });

  test('a message that comes again while its job runs is adopted: the job runs once, and both are gone at its end', async () => {
    let runs = 0;
    let letGo = () => {};
    const stuck = new Promise<void>((resolve) => (letGo = resolve));
    await bench.work(async () => {
      runs += 1;
      await stuck;
    });
    const row = await bench.table.add();
    await until(() => row.state === 'running', { what: 'it runs' });
    await bench.broker.publishJob('import', { jobId: row.id, attempt: 1 });
    await bench.broker.publishJob('import', { jobId: row.id, attempt: 1 });
    await until(async () => (await bench.broker.depths()).import.ready === 0, { what: 'both were delivered' });
    const other = await bench.table.add();
    letGo();
    await bench.ended(row, 'succeeded');
    await bench.ended(other, 'succeeded');
    expect(runs).toBe(2);
    expect(row.reports).toHaveLength(1);
  });
}
