import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { EventCalls, ImageCalls, type StoredEvent } from '#libs/contracts';
import { createLogger } from '#libs/observability';
import { createBroker, type Broker } from '#libs/messaging';
import { createTestDatabase, describeWith, postgres, until, type TestDatabase } from '#libs/testing';
import { type DataSource } from 'typeorm';
import { Database, openDatabase } from '../../database/index.js';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';
import { EventsService } from '../events.service.js';

const ADA = '00000000-0000-4000-8000-00000000000a';
const BOB = '00000000-0000-4000-8000-00000000000b';

await describeWith([postgres()], 'events', () => {
  let server: TestDatabase;
  let source: DataSource;
  let broker: Broker;
  let database: Database;
  let events: EventsService;

  beforeAll(async () => {
    const logger = createLogger('registry', 'silent');
    server = await createTestDatabase();
    source = await openDatabase(server.url);
    broker = await createBroker({ amqpUrl: null, queuePrefix: 'test', logger });
    database = new Database(source, logger);
    events = new EventsService(database, broker);
  });
  afterAll(async () => {
    await source.destroy();
    await broker[Symbol.asyncDispose]();
    await server.drop();
  });

  const record = (userId: string, ...ids: string[]) =>
    database.transaction(async (tx) => {
      for (const id of ids) events.record(tx, userId, { type: 'image-deleted', data: { id } });
    });
  const since = (userId: string, after: string | null, limit = 1000) => events.since({ userId, after, limit });
  const idsOf = (list: StoredEvent[]) => list.map(({ data }) => (data as { id: string }).id);

  test('are told in the order in which they were recorded, from the one last seen on', async () => {
    const { last: start } = await since(ADA, null);
    await record(ADA, 'one', 'two');
    await record(ADA, 'three');
    const { events: all, last } = await since(ADA, start);
    expect(idsOf(all)).toEqual(['one', 'two', 'three']);
    expect(all[0]).toEqual({
      id: expect.stringMatching(/^\d+$/),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/),
      type: 'image-deleted',
      data: { id: 'one' },
    });
    expect(last).toBe(all[2]!.id);
    expect(idsOf((await since(ADA, all[0]!.id)).events)).toEqual(['two', 'three']);
    expect(idsOf((await since(ADA, start, 2)).events)).toEqual(['one', 'two']);
    expect(await since(ADA, last)).toEqual({ events: [], last });
    expect(await since(ADA, null)).toEqual({ events: [], last });
  });

  test('are told to their user alone', async () => {
    const { last } = await since(BOB, null);
    await record(ADA, 'not for Bob');
    expect((await since(BOB, last)).events).toEqual([]);
  });

  test.each(['x', '-1', '1; DROP TABLE events', '99999999999999999999'])('are not told from %j on', async (after) => {
    await expect(since(ADA, after)).rejects.toMatchObject({ code: 'INVALID_QUERY' });
  });

  test('are not kept when the change is not', async () => {
    const { last } = await since(ADA, null);
    const failing = database.transaction(async (tx) => {
      events.record(tx, ADA, { type: 'image-deleted', data: { id: 'never' } });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await since(ADA, last)).events).toEqual([]);
  });

  test('are kept also when they are recorded at the very end of a transaction', async () => {
    const { last } = await since(ADA, null);
    await database.transaction(async (tx) => {
      events.record(tx, ADA, { type: 'image-deleted', data: { id: 'early' } });
      tx.beforeCommit(() => events.record(tx, ADA, { type: 'image-deleted', data: { id: 'late' } }));
    });
    expect(idsOf((await since(ADA, last)).events)).toEqual(['early', 'late']);
  });

  test('are announced to the gateways once they are committed', async () => {
    const heard: unknown[] = [];
    const subscription = await broker.onBroadcast((message) => heard.push(message));
    await record(BOB, 'x', 'y');
    await until(() => heard.length > 0, { what: 'the broadcast' });
    expect(heard).toEqual([{ userId: BOB, kind: 'stored' }]);
    await subscription.close();
  });

  test('never appear below one that was already told, however many transactions there are at once', async () => {
    const { last: start } = await since(ADA, null);
    const told: string[] = [];
    let after = start;
    let recording = true;
    const listening = (async () => {
      while (recording || (await since(ADA, after)).events.length > 0) {
        const { events: more, last } = await since(ADA, after);
        told.push(...idsOf(more));
        after = last;
      }
    })();
    const names = Array.from({ length: 200 }, (_, index) => `event ${index}`);
    await Promise.all(
      names.map((name, index) =>
        index % 3 === 0
          ? database.transaction(async (tx) => {
              for (const user of [ADA, BOB]) events.record(tx, user, { type: 'image-deleted', data: { id: name } });
            })
          : database.transaction(async (tx) => {
              for (const user of [BOB, ADA]) events.record(tx, user, { type: 'image-deleted', data: { id: name } });
            }),
      ),
    );
    recording = false;
    await listening;
    expect(told.toSorted()).toEqual(names.toSorted());
  });

  test('are forgotten after a day', async () => {
    const { last } = await since(BOB, null);
    await record(BOB, 'old', 'new');
    await database.query(
      `UPDATE events SET at = now() - interval '25 hours' WHERE user_id = $1 AND change->'data'->>'id' = 'old'`,
      [BOB],
    );
    expect(await events.prune()).toBe(1);
    expect(idsOf((await since(BOB, last)).events)).toEqual(['new']);
    expect(await events.prune()).toBe(0);
  });
});

await describeWith([postgres()], 'events of a running registry', () => {
  let vice: RunningRegistry;
  beforeAll(async () => {
    vice = await runRegistry();
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  test('are told of what users do', async () => {
    const userId = await vice.newUser();
    const { last } = await vice.ask(EventCalls.eventsSince, { userId, after: null, limit: 100 });
    const image = await vice.ask(ImageCalls.createImage, { userId, image: { title: 'new' } });
    const { events } = await vice.ask(EventCalls.eventsSince, { userId, after: last, limit: 100 });
    expect(events).toMatchObject([{ type: 'image', data: image }]);
  });
});
