import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { until, type TestBroker } from '#libs/testing';
import { type Broker } from '../broker.js';
import { RabbitPlace } from './rabbit-place.js';
import { RowTable } from './row-table.js';
import { startWorker } from './worker.js';

/** On a broker that takes back what is not acknowledged within five seconds. */
export function deliveryTimeoutSuite(rabbit: () => TestBroker): void {
  const brokers: Broker[] = [];
  let place: RabbitPlace;
  beforeAll(async () => {
    place = new RabbitPlace(rabbit().url);
    // Otherwise it looks once a minute. A channel takes this over when it is opened.
    await rabbit().ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 1000).');
  });
  afterAll(async () => {
    await Promise.all(brokers.map((broker) => broker[Symbol.asyncDispose]()));
  });
  const warnings: string[] = [];
  const open = async () => {
    const broker = await place.open(pino({ level: 'warn' }, { write: (line) => void warnings.push(line) }));
    brokers.push(broker);
    return broker;
  };

  test('a job that takes longer than the delivery timeout runs once and ends well, and its worker takes the next', async () => {
    const table = new RowTable(await open(), 3_000);
    await table.open();
    let runs = 0;
    let letGo = () => {};
    const long = new Promise<void>((resolve) => (letGo = resolve));
    const broker = await open();
    const worker = await startWorker(broker, async (payload) => {
      runs += 1;
      if ((payload as unknown as { long?: boolean }).long) await long;
    });
    const row = await table.add({ long: true });
    const since = performance.now();
    await until(() => performance.now() - since > 15_000, {
      what: 'thrice the timeout is over',
      timeout: 20_000,
      interval: 500,
    });
    // 3.10 takes no notice of the queue's argument and closes the channel; from 3.12 the argument lifts the timeout.
    expect(warnings.some((line) => line.includes('PRECONDITION_FAILED'))).toBe(rabbit().version === '3');
    expect(row).toMatchObject({ state: 'running', attempt: 1 });
    const other = await table.add({});
    await until(() => other.state === 'succeeded', { what: 'another job is done meanwhile' });
    letGo();
    await until(() => row.state === 'succeeded', { what: 'the long job has ended' });
    expect({ runs, attempt: row.attempt, reports: row.reports.length }).toEqual({ runs: 2, attempt: 1, reports: 1 });
    await until(async () => (await broker.depths()).import.ready === 0, { what: 'the queue is empty' });
    await worker.close();
    await table.close();
  }, 60_000);
}
