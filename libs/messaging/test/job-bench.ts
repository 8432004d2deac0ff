import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type Ask, type Call } from '#libs/contracts';
import { ViceError, type ErrorCode } from '#libs/errors';
import { until } from '#libs/testing';
import { type Broker } from '../broker.js';
import { CallClient } from '../calls/call-client.js';
import { type JobServer } from '../jobs/job-server.js';
import { RowTable, type Row } from './row-table.js';
import { startWorker, type Handler } from './worker.js';

export const LEASE_MS = 900;

/** A broker, the registry's side of it, and the workers that a test starts. */
export class JobBench {
  broker!: Broker;
  table!: RowTable;
  private readonly workers: JobServer[] = [];

  constructor(open: () => Promise<Broker>) {
    beforeAll(async () => {
      this.broker = await open();
      this.table = new RowTable(this.broker, LEASE_MS);
      await this.table.open();
    }, 60_000);
    afterEach(async () => {
      await Promise.all(this.workers.splice(0).map((worker) => worker.close()));
      this.table.rows.clear();
    });
    afterAll(async () => {
      await this.table.close();
      await this.broker[Symbol.asyncDispose]();
    });
  }

  async work(handler: Handler, options?: Parameters<typeof startWorker>[2]): Promise<JobServer> {
    const worker = await startWorker(this.broker, handler, options);
    this.workers.push(worker);
    return worker;
  }

  async ended(row: Row, state: Row['state']): Promise<void> {
    await until(() => row.state === state, { what: `the job has ${state}` });
  }

  async queueIsEmpty(): Promise<void> {
    await until(async () => (await this.broker.depths()).import.ready === 0, { what: 'the queue is empty' });
  }

  /** An ask that finds the registry away, or at fault, as long as `away` says so. */
  asking(away: (call: Call<never, unknown>, request: unknown) => boolean, fault: ErrorCode = 'UNAVAILABLE'): Ask {
    const client = new CallClient(this.broker, 2_000);
    return async (call, request) => {
      if (away(call as Call<never, unknown>, request)) throw new ViceError(fault, 'the registry is away, or at fault');
      return client.ask(call, request);
    };
  }
}
