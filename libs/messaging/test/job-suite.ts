import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { JobCalls, RemoteCalls, type Ask } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { type Broker } from '../broker.js';
import { CallClient } from '../calls/call-client.js';
import { type JobServer } from '../jobs/job-server.js';
import { type RunningJob } from '../jobs/running-job.js';
import { RowTable, type Row } from './row-table.js';
import { startWorker, untilStopped, type Handler } from './worker.js';

const LEASE_MS = 900;

/** What holds for a worker's jobs on every broker, a rule per test. `queue` import is all theirs. */
export function jobSuite(open: () => Promise<Broker>): void {
  let broker: Broker;
  let table: RowTable;
  const workers: JobServer[] = [];
  beforeAll(async () => {
    broker = await open();
    table = new RowTable(broker, LEASE_MS);
    await table.open();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.close()));
    table.rows.clear();
  });
  afterAll(async () => {
    await table.close();
    await broker[Symbol.asyncDispose]();
  });

  const work = async (handler: Handler, options?: Parameters<typeof startWorker>[2]) => {
    const worker = await startWorker(broker, handler, options);
    workers.push(worker);
    return worker;
  };
  const ended = (row: Row, state: Row['state']) => until(() => row.state === state, { what: `the job has ${state}` });
  const client = () => new CallClient(broker, 2_000);

  describe('the end of a job', () => {
    test('its result is reported with what it moved and printed, and its message is gone', async () => {
      await work(async (payload, job) => {
        job.setTotal(7);
        const meter = job.meter();
        meter.resume().end(Buffer.from('hello'));
        await once(meter, 'end');
        job.advance(2);
        job.log('one');
        job.log('two\n');
        return { payload, writer: job.writer, attempt: job.attempt };
      });
      const row = await table.add({ imageId: 'i' });
      await ended(row, 'succeeded');
      const result = { payload: { imageId: 'i' }, writer: `${row.id}.1`, attempt: 1 };
      expect(row.reports).toEqual([
        {
          ...{ jobId: row.id, attempt: 1, outcome: { kind: 'succeeded', result }, log: 'one\ntwo\n' },
          progress: { bytesDone: 7, bytesTotal: 7, bytesPerSecond: expect.any(Number) },
        },
      ]);
      await until(async () => (await broker.depths()).import.ready === 0, { what: 'the queue is empty' });
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
      await work(async (_payload, job) => {
        if (job.attempt > 1) return {};
        job.leftTemporaries();
        throw error;
      });
      const row = await table.add();
      await ended(row, transient ? 'succeeded' : 'failed');
      const retryAfter = error instanceof ViceError && error.retryAfter ? { retryAfter: error.retryAfter } : {};
      expect(row.reports[0]).toMatchObject({
        leftTemporaries: true,
        outcome: { kind: 'failed', code, message, transient, ...retryAfter },
      });
    });

    test('a report is repeated until the registry hears it', async () => {
      let refusals = 3;
      const ask: Ask = async (call, request) => {
        if ((call as unknown) === JobCalls.reportJob && refusals-- > 0)
          throw new ViceError('UNAVAILABLE', 'the registry restarts');
        return client().ask(call, request);
      };
      await work(async () => ({}), { ask });
      await ended(await table.add(), 'succeeded');
      expect(refusals).toBeLessThan(1);
    });
  });

  describe('the claim', () => {
    test('a job that is not to be claimed is acknowledged and does not run', async () => {
      let runs = 0;
      await work(async () => ++runs);
      await broker.publishJob('import', { jobId: 'nobody-knows', attempt: 1 });
      const row = await table.add();
      await ended(row, 'succeeded');
      await broker.publishJob('import', { jobId: row.id, attempt: 1 });
      await ended(await table.add(), 'succeeded');
      expect(runs).toBe(2);
      await until(async () => (await broker.depths()).import.ready === 0, { what: 'the queue is empty' });
    });

    test('it is repeated while the registry cannot be reached, and the message is kept', async () => {
      let refusals = 3;
      const ask: Ask = async (call, request) => {
        if ((call as unknown) === JobCalls.claimJob && refusals-- > 0)
          throw new ViceError('UNAVAILABLE', 'the registry restarts');
        return client().ask(call, request);
      };
      await work(async () => ({}), { ask });
      const row = await table.add();
      await ended(row, 'succeeded');
      expect(row.attempt).toBe(1);
    });

    test('no more jobs run at once than allowed', async () => {
      let now = 0;
      let most = 0;
      await work(async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 20));
        now -= 1;
      });
      const rows = await Promise.all(Array.from({ length: 8 }, () => table.add()));
      await until(() => rows.every((row) => row.state === 'succeeded'), { what: 'all have ended' });
      expect(most).toBe(2);
    });
  });

  describe('the lease', () => {
    test('heartbeats keep it as long as the job runs', async () => {
      await work(async () => new Promise((resolve) => setTimeout(resolve, LEASE_MS * 2.5)));
      const row = await table.add();
      await ended(row, 'succeeded');
      expect(row.attempt).toBe(1);
    });

    test('when it ends the job stops, asks nothing, moves nothing and reports nothing; the next attempt runs', async () => {
      let unheard = true;
      const ask: Ask = async (call, request) => {
        if ((call as unknown) === JobCalls.heartbeat && unheard) throw new ViceError('UNAVAILABLE', 'the registry is away');
        return client().ask(call, request);
      };
      const seen: unknown[] = [];
      await work(
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
      const row = await table.add();
      await ended(row, 'succeeded');
      expect(seen).toEqual(['LEASE_LOST', 'LEASE_LOST', 'LEASE_LOST']);
      expect(row.reports.map(({ attempt }) => attempt)).toEqual([2]);
    });

    test('an event loop that was blocked for longer than the lease is noticed before anything else is done', async () => {
      let code: unknown;
      await work(async (_payload, job) => {
        if (job.attempt > 1) return {};
        const end = performance.now() + LEASE_MS + 50;
        while (performance.now() < end);
        await job
          .ask(JobCalls.noteReference, { jobId: job.id, attempt: 1, reference: 'r' })
          .catch((error: ViceError) => (code = error.code));
        throw new Error('over');
      });
      await ended(await table.add(), 'succeeded');
      expect(code).toBe('LEASE_LOST');
    });

    test('a job asks again while a service is away, and goes on', async () => {
      let refusals = 3;
      const ask: Ask = async (call, request) => {
        if ((call as unknown) === JobCalls.noteReference && refusals-- > 0) throw new ViceError('UNAVAILABLE', 'away');
        return client().ask(call, request);
      };
      await work(async (_payload, job) => job.ask(JobCalls.noteReference, { jobId: job.id, attempt: 1, reference: 'r' }), {
        ask,
      });
      const row = await table.add();
      await ended(row, 'succeeded');
      expect(row.attempt).toBe(1);
    });

    test('a slot stays taken until the handler has returned, whatever became of its lease', async () => {
      let letGo = () => {};
      const stuck = new Promise<void>((resolve) => (letGo = resolve));
      const ask: Ask = async (call, request) => {
        const { jobId } = request as { jobId?: string };
        if ((call as unknown) === JobCalls.heartbeat && jobId === first.id) throw new ViceError('UNAVAILABLE', 'away');
        return client().ask(call, request);
      };
      const begun: string[] = [];
      await work(
        async (_payload, job) => {
          begun.push(job.writer);
          if (begun.length === 1) await stuck;
        },
        { ask, concurrency: 1 },
      );
      const first = await table.add();
      await until(() => first.state === 'queued' && first.attempt === 1, { what: 'its lease has lapsed' });
      const second = await table.add();
      expect(begun).toEqual([`${first.id}.1`]);
      letGo();
      await ended(second, 'succeeded');
      await ended(first, 'succeeded');
      expect(first.attempt).toBe(2);
    });
  });

  describe('being told to stop', () => {
    test('a cancelled job is aborted and reported as cancelled', async () => {
      let reason: unknown;
      await work(async (_payload, job) => untilStopped(job).catch((error: ViceError) => Promise.reject((reason = error))));
      const row = await table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      row.cancelRequested = true;
      await ended(row, 'cancelled');
      expect(reason).toMatchObject({ code: 'JOB_CANCELLED' });
      expect(row.reports).toHaveLength(1);
    });

    test('a job that a later attempt has is aborted and reports nothing', async () => {
      let reason: unknown;
      await work(async (_payload, job) => untilStopped(job).catch((error: ViceError) => Promise.reject((reason = error))));
      const row = await table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      Object.assign(row, { attempt: 5, leaseUntil: Number.MAX_SAFE_INTEGER });
      await until(() => reason, { what: 'it was stopped' });
      expect(reason).toMatchObject({ code: 'JOB_FENCED' });
      await until(async () => (await broker.depths()).import.ready === 0, { what: 'the queue is empty' });
      expect(row).toMatchObject({ reports: [], fenced: 0, state: 'running' });
    });

    test('the late report of an older attempt is refused, and that is the end of it', async () => {
      let letGo = () => {};
      const stuck = new Promise<void>((resolve) => (letGo = resolve));
      await work(async () => stuck);
      const row = await table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      Object.assign(row, { attempt: 5, leaseUntil: Number.MAX_SAFE_INTEGER });
      letGo();
      await until(() => row.fenced === 1, { what: 'its report was refused' });
      expect(row.state).toBe('running');
    });

    test('closing lets a job end that ends in time', async () => {
      const worker = await work(async () => new Promise((resolve) => setTimeout(resolve, 150)), { shutdownMs: 5_000 });
      const row = await table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      await worker.close();
      expect(row).toMatchObject({ state: 'succeeded', attempt: 1 });
    });

    test('closing hands back what takes longer, and another worker carries on', async () => {
      const handler: Handler = async (_payload, job: RunningJob) => (job.attempt > 1 ? {} : untilStopped(job));
      const worker = await work(handler, { shutdownMs: 50 });
      const row = await table.add();
      await until(() => row.state === 'running', { what: 'it runs' });
      await worker.close();
      expect(row.reports.map(({ outcome }) => outcome.kind)).toEqual(['handed-back']);
      expect(worker.running).toBe(0);
      await work(handler);
      await ended(row, 'succeeded');
      expect(row.attempt).toBe(2);
    });

    test('closing gives messages that wait for a slot to the others', async () => {
      let letGo = () => {};
      const stuck = new Promise<void>((resolve) => (letGo = resolve));
      const worker = await work(async () => stuck, { concurrency: 1, shutdownMs: 5_000 });
      const first = await table.add();
      await until(() => first.state === 'running', { what: 'it runs' });
      const second = await table.add();
      const closing = worker.close();
      await work(async () => ({}));
      await ended(second, 'succeeded');
      expect(first.state).toBe('running');
      letGo();
      await closing;
      expect(first.state).toBe('succeeded');
    });
  });

  test('a message that comes again while its job runs is adopted: the job runs once, and both are gone at its end', async () => {
    let runs = 0;
    let letGo = () => {};
    const stuck = new Promise<void>((resolve) => (letGo = resolve));
    await work(async () => {
      runs += 1;
      await stuck;
    });
    const row = await table.add();
    await until(() => row.state === 'running', { what: 'it runs' });
    await broker.publishJob('import', { jobId: row.id, attempt: 1 });
    await broker.publishJob('import', { jobId: row.id, attempt: 1 });
    await until(async () => (await broker.depths()).import.ready === 0, { what: 'both were delivered' });
    const other = await table.add();
    letGo();
    await ended(row, 'succeeded');
    await ended(other, 'succeeded');
    expect(runs).toBe(2);
    expect(row.reports).toHaveLength(1);
  });
}
