import { randomUUID } from 'node:crypto';
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

  test('is not to be had where nothing can be changed, and the database says so when it is asked', async () => {
    await database.check();
    const readOnly = new Database(
      await openDatabase(`${server.url}?options=-c%20default_transaction_read_only%3Don`),
      createLogger('test', 'silent'),
    );
    try {
      await expect(readOnly.check()).rejects.toThrow('takes no changes');
    } finally {
      await readOnly.source.destroy();
    }
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

await describeWith([postgres()], 'the newest migrations', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await createTestDatabase();
    database = new Database(await openDatabase(server.url), createLogger('test', 'silent'));
  });
  afterAll(async () => {
    await database.source.destroy();
    await server.drop();
  });

  test('let the release before write, and can be taken back and made again', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const ids = Array.from({ length: 3 }, () => randomUUID());
    await database.query(`INSERT INTO blobs (digest, size, state) VALUES ($1, 7, 'stored')`, [digest]);
    await database.query(`INSERT INTO variants (source_digest, content_type, digest, size) VALUES ($1, 'disk-raw', $1, 7)`, [
      digest,
    ]);
    await database.query(`INSERT INTO inspections (digest, said_to_be, content_type) VALUES ($1, 'disk-raw', 'disk-raw')`, [
      digest,
    ]);
    await database.query(`INSERT INTO users (id, username, password_hash) VALUES ($1, 'ada', '')`, [ids[0]]);
    await database.query('INSERT INTO environments (id, user_id) VALUES ($2, $1)', [ids[0], ids[1]]);
    await database.query(
      `INSERT INTO deployments (id, user_id, image_id, environment_id, digest, size, content_type, status)
       VALUES ($3, $1, $3, $2, $4, 7, 'disk-raw', 'planned')`,
      [...ids, digest],
    );
    await database.query(
      `INSERT INTO variants (source_digest, source_content_type, recipe, content_type, digest, size) VALUES ($1, 'disk-raw', 'x/1', 'disk-vmdk', $1, 7)`,
      [digest],
    );
    await database.query(`INSERT INTO jobs (id, kind, queue, action) VALUES ($1, 'store', 'store', 'collect')`, [randomUUID()]);
    const isThere = async () => (await database.query(`SELECT 1 FROM migrations WHERE name LIKE 'Conversions%'`)).length > 0;
    while (await isThere()) await database.source.undoLastMigration();
    expect(await database.query('SELECT recipe FROM variants')).toEqual([{ recipe: 'original' }]);
    await database.source.runMigrations();
    expect(await database.query('SELECT recipe, content_digest FROM variants')).toEqual([
      { recipe: 'original', content_digest: null },
    ]);
  });
});
