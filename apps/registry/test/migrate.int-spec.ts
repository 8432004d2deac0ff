import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { SecretBox } from '#libs/secrets';
import {
  brokerUrl,
  createTestDatabase,
  describeWith,
  freePort,
  postgres,
  projectRoot,
  queryOnce,
  rabbitmq,
  startProcess,
  until,
  type TestDatabase,
  type TestProcess,
} from '#libs/testing';
import { RabbitPlace } from '../../../libs/messaging/test/rabbit-place.js';
import { MIGRATIONS } from '../database/data-source.js';

const STARTED = { what: 'the registry answers', timeout: 60_000 };
const READY = { what: 'the registry is ready', timeout: 60_000 };
const NAMES = MIGRATIONS.map(({ name }) => name);

interface Run {
  code: number | null;
  /** The log lines, parsed. */
  lines: { level: number; msg: string; migrations?: string[] }[];
  stderr: string;
}

/** What the migration job of an installation runs. */
function migrate(env: Record<string, string>): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(projectRoot, 'dist/apps/registry/migrate.js')], { env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    child.once('error', reject).once('close', (code) => {
      const lines = stdout.split('\n').filter((line) => line !== '');
      resolve({ code, lines: lines.map((line) => JSON.parse(line)), stderr });
    });
  });
}

const recorded = async (url: string) => (await queryOnce(url, 'SELECT name FROM migrations ORDER BY id')).map(({ name }) => name);

await describeWith([postgres()], 'the migration job', () => {
  let database: TestDatabase;
  beforeEach(async () => void (database = await createTestDatabase()));
  afterEach(() => database.drop());

  test('brings an empty database up to date with nothing but DATABASE_URL, and says what it did', async () => {
    const { code, lines, stderr } = await migrate({ DATABASE_URL: database.url });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines).toEqual([expect.objectContaining({ msg: 'the database is up to date now', migrations: NAMES })]);
    expect(await recorded(database.url)).toEqual(NAMES);
  });

  test('finds nothing to do the second time', async () => {
    await migrate({ DATABASE_URL: database.url });
    const { code, lines } = await migrate({ DATABASE_URL: database.url });
    expect(code).toBe(0);
    expect(lines).toEqual([expect.objectContaining({ msg: 'the database was up to date already', migrations: [] })]);
  });

  test('may run three times at once: one migrates, the others wait for it', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => migrate({ DATABASE_URL: database.url })));
    expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
    const made = runs.map(({ lines }) => lines[0]!.migrations!).filter((names) => names.length > 0);
    expect(made).toEqual([NAMES]);
    expect(await recorded(database.url)).toEqual(NAMES);
  });

  test('ends with 2 when nobody said which database, and does not repeat a password', async () => {
    expect(await migrate({})).toMatchObject({ code: 2, stderr: expect.stringContaining('DATABASE_URL is missing') });
    const wrong = await migrate({ DATABASE_URL: 'mysql://vice:hunter2@db' });
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).not.toContain('hunter2');
  });

  test('ends with 1 when the database does not answer, and does not print the password', async () => {
    const nowhere = `postgres://vice:hunter2@127.0.0.1:${await freePort()}/vice`;
    const { code, lines } = await migrate({ DATABASE_URL: nowhere });
    expect(code).toBe(1);
    expect(lines).toEqual([expect.objectContaining({ level: 50, msg: 'the database could not be brought up to date' })]);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });
});

await describeWith([postgres(), rabbitmq()], 'a registry that does not migrate', () => {
  let database: TestDatabase;
  let broker: RabbitPlace;
  let registry: TestProcess;

  const settings = () => ({
    DATABASE_URL: database.url,
    AMQP_URL: broker.url,
    VICE_QUEUE_PREFIX: broker.prefix,
    VICE_SECRET_KEY: SecretBox.newKey(),
    VICE_MIGRATE_AT_START: 'false',
  });
  const start = async () => {
    registry = await startProcess('registry', { env: settings(), waitUntilReady: false });
  };
  const health = async (path: string) => {
    const answer = await fetch(`${registry.url}/health/${path}`).catch(() => null);
    return answer && { status: answer.status, body: await answer.json() };
  };
  const isReady = async () => (await health('ready'))?.status === 200;

  beforeEach(async () => {
    database = await createTestDatabase();
    broker = new RabbitPlace(brokerUrl());
  });
  afterEach(async () => {
    await registry.stop();
    await broker.clear();
    await database.drop();
  });

  test('is alive and not ready, says what the database lacks, and becomes ready once the job has run', async () => {
    await start();
    const refused = await until(() => health('ready'), STARTED);
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ parts: { schema: { status: 'down', reason: expect.stringContaining(NAMES[0]!) } } });
    expect((await health('live'))?.status).toBe(200);
    expect(await queryOnce(database.url, `SELECT to_regclass('migrations') AS made`)).toEqual([{ made: null }]);

    expect((await migrate({ DATABASE_URL: database.url })).code).toBe(0);
    await until(isReady, READY);
  });

  test('waits for the last migration, too', async () => {
    await migrate({ DATABASE_URL: database.url });
    await queryOnce(database.url, `DELETE FROM migrations WHERE name = '${NAMES.at(-1)}' RETURNING name`);
    await start();
    const refused = await until(() => health('ready'), STARTED);
    expect(refused.body).toMatchObject({ parts: { schema: { reason: expect.stringContaining(`lacks ${NAMES.at(-1)}:`) } } });
  });

  test('goes to work at once on a database that a newer release has migrated', async () => {
    await migrate({ DATABASE_URL: database.url });
    await queryOnce(database.url, `INSERT INTO migrations (timestamp, name) VALUES (9999999999999, 'Future9999999999999')`);
    await start();
    await until(isReady, READY);
    expect(registry.logs()).not.toContain('waiting for the job');
  });

  test('ends in good order when it is told to while it waits', async () => {
    await start();
    await until(() => health('live'), STARTED);
    expect(await registry.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
