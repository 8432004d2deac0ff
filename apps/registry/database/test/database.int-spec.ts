import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLogger } from '#libs/observability';
import { createTestDatabase, describeWith, postgres, type TestDatabase } from '#libs/testing';
import { Database, openDatabase, type Transaction } from '../index.js';

await describeWith([postgres()], 'a transaction', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await createTestDatabase();
    database = new Database(await openDatabase(server.url), createLogger('test', 'silent'));
    await database.query('CREATE TABLE counters (id int PRIMARY KEY, value int NOT NULL)');
    await database.query('INSERT INTO counters VALUES (1, 0), (2, 0)');
  });
  afterAll(async () => {
    await database.source.destroy();
    await server.drop();
  });

  test('that PostgreSQL ended, because two waited for each other, begins again', async () => {
    let runs = 0;
    let haveTheirFirst = 0;
    let letGo = () => {};
    const both = new Promise<void>((resolve) => (letGo = resolve));
    const raise = (ids: [number, number]) =>
      database.transaction(async ({ manager }) => {
        runs += 1;
        await manager.query('UPDATE counters SET value = value + 1 WHERE id = $1', [ids[0]]);
        if (++haveTheirFirst === 2) letGo();
        await both;
        await manager.query('UPDATE counters SET value = value + 1 WHERE id = $1', [ids[1]]);
      });
    await Promise.all([raise([1, 2]), raise([2, 1])]);
    expect(runs).toBe(3);
    expect(await database.query('SELECT value FROM counters')).toEqual([{ value: 2 }, { value: 2 }]);
  });

  test('that meets a deadlock again and again is given up', async () => {
    let runs = 0;
    const deadlock = async ({ manager }: Transaction) => {
      runs += 1;
      await manager.query(`DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END $$`);
    };
    await expect(database.transaction(deadlock)).rejects.toThrow('deadlock detected');
    expect(runs).toBe(5);
  });

  test('that fails in any other way is not repeated', async () => {
    let runs = 0;
    const twice = async ({ manager }: Transaction) => {
      runs += 1;
      await manager.query('INSERT INTO counters VALUES (3, 0), (3, 0)');
    };
    await expect(database.transaction(twice)).rejects.toThrow('duplicate key');
    expect(runs).toBe(1);
  });
});
