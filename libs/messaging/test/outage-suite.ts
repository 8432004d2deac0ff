import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Broadcast, type JobMessage } from '#libs/contracts';
import { until, type TestBroker } from '#libs/testing';
import { type Broker } from '../broker.js';
import { type JobServer } from '../jobs/job-server.js';
import { RabbitPlace } from './rabbit-place.js';
import { RowTable, type Row } from './row-table.js';
import { startWorker } from './worker.js';

const OUTAGE_MS = 60_000;

/** What holds when a RabbitMQ of the test's own breaks off, stops or chokes: each party has a connection of its own, as processes have. */
export function outageSuite(rabbit: () => TestBroker): void {
  let place: RabbitPlace;
  let brokers: Broker[] = [];
  beforeEach(() => {
    place = new RabbitPlace(rabbit().url);
  });
  afterEach(async () => {
    await Promise.all(brokers.map((broker) => broker[Symbol.asyncDispose]()));
    brokers = [];
    await place.clear();
  }, OUTAGE_MS);
  const open = async () => {
    const broker = await place.open();
    brokers.push(broker);
    return broker;
  };
  const works = (run: () => Promise<unknown>, what: string) =>
    until(() => run().then(() => true), { what, timeout: OUTAGE_MS / 2, interval: 100 });

  describe('calls', () => {
    test(
      'one that waits is refused as soon as the connection breaks; it is not done twice; the next is answered',
      async () => {
        const [service, caller] = [await open(), await open()];
        const done: unknown[] = [];
        await service.serve('registry', async (_name, body) => {
          done.push(body);
          if (body === 'first') await until(() => cut, { what: 'the cut', timeout: 60_000 });
          return body;
        });
        let cut = false;
        const waiting = caller.request('registry', 'x', 'first', { deadlineMs: 50_000 }).catch((e: unknown) => e);
        await until(() => done.length === 1, { what: 'it is in hand' });
        const before = performance.now();
        await rabbit().cutConnections();
        expect(await waiting).toMatchObject({ code: 'UNAVAILABLE' });
        expect(performance.now() - before).toBeLessThan(20_000);
        cut = true;
        await works(() => caller.request('registry', 'x', 'next', { deadlineMs: 2_000 }), 'the next call is answered');
        expect(done.filter((body) => body === 'first')).toHaveLength(1);
      },
      OUTAGE_MS,
    );

    test('one whose service broke off is refused at once by its redelivery', async () => {
      const service = await open();
      let calls = 0;
      await service.serve('registry', async () => {
        calls += 1;
        return new Promise(() => undefined);
      });
      const caller = await open();
      const waiting = caller.request('registry', 'x', {}, { deadlineMs: 50_000 });
      await until(() => calls === 1, { what: 'it is in hand' });
      await (await open()).serve('registry', async () => (calls += 1));
      await service[Symbol.asyncDispose]();
      await expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      expect(calls).toBe(1);
    });
  });

  test(
    'events are heard again after a restart',
    async () => {
      const [teller, listener] = [await open(), await open()];
      const heard: Broadcast[] = [];
      await listener.onBroadcast((event) => heard.push(event));
      await rabbit().halt();
      await expect(teller.broadcast({ kind: 'stored', userId: 'u' })).resolves.toBeUndefined();
      await expect(teller.check()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      await rabbit().start();
      const tell = async () => {
        await teller.broadcast({ kind: 'stored', userId: 'u' });
        if (heard.length === 0) throw new Error('nothing heard yet');
      };
      await works(tell, 'an event is heard');
      await works(() => teller.check(), 'it is ready');
    },
    OUTAGE_MS,
  );

  test(
    'a published job outlives the broker',
    async () => {
      const broker = await open();
      await broker.publishJob('import', { jobId: 'a', attempt: 1 });
      await rabbit().kill();
      await rabbit().start();
      const taken: JobMessage[] = [];
      await works(() => broker.check(), 'it is ready');
      await broker.consumeJobs('import', 1, ({ message }) => taken.push(message));
      await until(() => taken.length === 1, { what: 'it is delivered', timeout: 20_000 });
    },
    OUTAGE_MS,
  );

  describe('under a memory alarm', () => {
    afterEach(() => rabbit().ctl('set_vm_memory_high_watermark', '0.6'));

    test(
      'a job counts as not published when no confirm comes, then at once while the broker says so; afterwards all works',
      async () => {
        const broker = await open();
        await rabbit().ctl('set_vm_memory_high_watermark', '0');
        const before = performance.now();
        await expect(broker.publishJob('import', { jobId: 'a', attempt: 1 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        expect(performance.now() - before).toBeLessThan(7_000);
        await expect(broker.check()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await expect(broker.depths()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await expect(broker.request('registry', 'x', {}, { deadlineMs: 1_000 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
        await rabbit().ctl('set_vm_memory_high_watermark', '0.6');
        await works(() => broker.publishJob('import', { jobId: 'b', attempt: 1 }), 'a job is published');
      },
      OUTAGE_MS,
    );
  });

  describe('in the middle of jobs', () => {
    const JOBS = 40;
    const LEASE_MS = 5_000;
    let table: RowTable;
    let workers: JobServer[];
    let running: Map<string, number>;
    let overlaps: string[];
    beforeEach(async () => {
      table = new RowTable(await open(), LEASE_MS);
      await table.open();
      running = new Map();
      overlaps = [];
      workers = [];
      for (let i = 0; i < 2; i += 1)
        workers.push(await startWorker(await open(), (_payload, job) => run(job.id), { concurrency: 4 }));
    });
    afterEach(async () => {
      await Promise.all(workers.map((worker) => worker.close()));
      await table.close();
    });

    const run = async (id: string) => {
      if (running.get(id)) overlaps.push(id);
      running.set(id, (running.get(id) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 300));
      running.set(id, (running.get(id) ?? 0) - 1);
    };
    const allEnd = async (rows: Row[]) => {
      const ended = () => rows.every(({ state }) => state === 'succeeded');
      await until(ended, { what: 'all jobs have succeeded', timeout: OUTAGE_MS, interval: 100 });
      expect(rows.map(({ reports }) => reports.length)).toEqual(rows.map(() => 1));
      expect(overlaps).toEqual([]);
      expect(workers.map((worker) => worker.running)).toEqual([0, 0]);
    };
    const nobodyIsDeaf = async () => {
      await works(async () => expect((await brokers[0]?.depths())?.import).toEqual({ ready: 0, consumers: 2 }), 'both consume');
      await allEnd(await Promise.all(Array.from({ length: 8 }, () => table.add())));
    };
    const addAll = () => Promise.all(Array.from({ length: JOBS }, () => table.add()));

    test(
      'connections are cut: nothing is lost, nothing doubled, no worker deaf',
      async () => {
        const rows = await addAll();
        for (const share of [0.2, 0.5, 0.8]) {
          const some = () => rows.filter(({ state }) => state === 'succeeded').length >= JOBS * share;
          await until(some, { what: 'some have ended', timeout: OUTAGE_MS });
          await rabbit().cutConnections();
        }
        await allEnd(rows);
        await nobodyIsDeaf();
      },
      2 * OUTAGE_MS,
    );

    test.each(['halt', 'kill'] as const)(
      'the broker goes by %s and comes back: the same',
      async (end) => {
        const rows = await addAll();
        await until(() => rows.some(({ state }) => state === 'succeeded'), { what: 'some have ended' });
        await rabbit()[end]();
        await rabbit().start();
        await allEnd(rows);
        await nobodyIsDeaf();
      },
      2 * OUTAGE_MS,
    );
  });
}
