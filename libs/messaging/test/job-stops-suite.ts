import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { JobCalls, RemoteCalls } from '#libs/contracts';
import { type ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { type RunningJob } from '../jobs/running-job.js';
import { LEASE_MS, type JobBench } from './job-bench.js';
import { untilStopped, type Handler } from './worker.js';

/** What stops a job: its lease, the registry, the end of its worker. */
export function jobStopsSuite(bench: JobBench): void {
  describe('the lease', () => {
    test('heartbeats keep it as long as the job runs', async () => {
      await bench.work(async () => new Promise((resolve) => setTimeout(resolve, LEASE_MS * 2.5)));
      const row = await bench.table.add();
      await bench.ended(row, 'succeeded');
      expect(row.attempt).toBe(1);
    });

    test('when it ends the job stops, asks nothing, moves nothing and reports nothing; the next attempt runs', async () => {
      let unheard = true;
      const ask = bench.asking((call) => call === JobCalls.heartbeat && unheard);
      const seen: unknown[] = [];
      await bench.work(
        async (_payload, job) => {
          if (job.attempt > 1) return { unheard };
          await untilStopped(job).catch((error: ViceError) => seen.push(error.code));
          await job
            .ask(RemoteCalls.checkEnvironment, { userId: '', environmentId: '' })
            .catch((error: ViceError) => seen.push(error.code));
          const meter = job.meter();
          meter.on('error', (error: ViceError) => seen.push(error.code)).write('x');
          await once(meter, 'close');
          unheard = false;
          throw new Error('whatever');
        },
        { ask },
      );
      const row = await bench.table.add();
      await bench.ended(row, 'succeeded');
      expect(seen).toEqual(['LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST']);
      expect(row.reports.map(({ attempt }) => attempt)).toEqual([2]);
    });

    test('an event loop that was blocked for longer than the lease is noticed before anything else is done', async () => {
      let code: unknown;
      await bench.work(async (_payload, job) => {
        if (job.attempt > 1) return {};
        const end = performance.now() + LEASE_MS + 50;
        while (performance.now() < end);
        expect(job.signal.aborted).toBe(false);
        expect(() => job.throwIfStopped()).toThrow(expect.objectContaining({ code: 'LEASE_LOST' }));
        await job
          .ask(JobCalls.noteReference, { jobId: job.id, attempt: 1, reference: 'r' })
          .catch((error: ViceError) => (code = error.code));
        throw new Error('over');
      });
      await bench.ended(await bench.table.add(), 'succeeded');
      expect(code).toBe('LEASE_LOST');
    });

    test('a job asks again while a service is away, and goes on', async () => {
      let refusals = 3;
      const ask = bench.asking((call) => call === JobCalls.noteReference && refusals-- > 0);
      await bench.work(async (_payload, job) => job.ask(JobCalls.noteReference, { jobId: job.id, attempt: 1, reference: 'r' }), {
        ask,
      });
      const row = await bench.table.add();
      await bench.ended(row, 'succeeded');
      expect(row.attempt).toBe(1);
    });

    test('a slot stays taken until the handler has returned, whatever became of its lease', async () => {
      let letGo = () => {};
      const stuck = new Promise<void>((resolve) => (letGo = resolve));
      const ask = bench.asking(
        (call, request) => call === JobCalls.heartbeat && (request as { jobId: string }).jobId === first.id,
      );
      const begun: string[] = [];
      await bench.work(
        async (_payload, job) => {
          begun.push(job.writer);
          if (begun.length === 1) await stuck;
        },
        { ask, concurrency: 1 },
      );
      const first = await bench.table.add();
      await until(() => first.state === 'queued' && first.attempt === 1, { what: 'its lease has lapsed' });
      const second = await bench.table.add();
      expect(begun).toEqual([`${first.id}.1`]);
      letGo();
      await bench.ended(second, 'succeeded');
      await bench.ended(first, 'succeeded');
      expect(first.attempt).toBe(2);
    });
  });

  describe('being told to stop', () => {
    test('a cancelled job is aborted and reported as cancelled', async () => {
      let reason: unknown;
      await bench.work(async (_payload, job) => untilStopped(job).catch((error: ViceError) => Promise.reject((reason = error))));
      const row = await bench.table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      row.cancelRequested = true;
      await bench.ended(row, 'cancelled');
      expect(reason).toMatchObject({ code: 'JOB_CANCELLED' });
      expect(row.reports).toHaveLength(1);
    });

    test('a job that a later attempt has is aborted and reports nothing', async () => {
      let reason: unknown;
      await bench.work(async (_payload, job) => untilStopped(job).catch((error: ViceError) => Promise.reject((reason = error))));
      const row = await bench.table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      Object.assign(row, { attempt: 5, leaseUntil: Number.MAX_SAFE_INTEGER });
      await until(() => reason, { what: 'it was stopped' });
      expect(reason).toMatchObject({ code: 'JOB_FENCED' });
      await bench.queueIsEmpty();
      expect(row).toMatchObject({ reports: [], fenced: 0, state: 'running' });
    });

    test('the late report of an older attempt is refused, and that is the end of it', async () => {
      let letGo = () => {};
      const stuck = new Promise<void>((resolve) => (letGo = resolve));
      await bench.work(async () => stuck);
      const row = await bench.table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      Object.assign(row, { attempt: 5, leaseUntil: Number.MAX_SAFE_INTEGER });
      letGo();
      await until(() => row.fenced === 1, { what: 'its report was refused' });
      expect(row.state).toBe('running');
    });

    test('closing lets a job end that ends in time', async () => {
      const worker = await bench.work(async () => new Promise((resolve) => setTimeout(resolve, 150)), { shutdownMs: 5_000 });
      const row = await bench.table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      await worker.close();
      expect(row).toMatchObject({ state: 'succeeded', attempt: 1 });
    });

    test('closing hands back what takes longer, and another worker carries on', async () => {
      const handler: Handler = async (_payload, job: RunningJob) => (job.attempt > 1 ? {} : untilStopped(job));
      const worker = await bench.work(handler, { shutdownMs: 50 });
      const row = await bench.table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      await worker.close();
      expect(row.reports.map(({ outcome }) => outcome.kind)).toEqual(['handed-back']);
      expect(worker.running).toBe(0);
      await bench.work(handler);
      await bench.ended(row, 'succeeded');
      expect(row.attempt).toBe(2);
    });

    test('closing gives messages that wait for a slot to the others', async () => {
      let letGo = () => {};
      const stuck = new Promise<void>((resolve) => (letGo = resolve));
      const worker = await bench.work(async () => stuck, { concurrency: 1, shutdownMs: 5_000 });
      const first = await bench.table.add();
      await until(() => first.state === 'running', { what: 'it runs' });
      const second = await bench.table.add();
      const closing = worker.close();
      await bench.work(async () => ({}));
      await bench.ended(second, 'succeeded');
      expect(first.state).toBe('running');
      letGo();
      await closing;
      expect(first.state).toBe('succeeded');
    });
  });
}
