import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, test } from '@jest/globals';
import { Client } from 'pg';
import { EnvironmentCalls, environmentSecret, UserCalls } from '#libs/contracts';
import { createLogger } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import { createTestDatabase, describeWith, postgres, projectRoot, queryOnce, until, type TestDatabase } from '#libs/testing';
import { rotateDatabaseKey } from '../../rotate-key.js';
import { openDatabase } from '../../database/index.js';
import { runRegistry } from '../../test/running-registry.js';

const ENVIRONMENTS = 250;

interface Row {
  id: string;
  password: string | null;
  secrets: Record<string, string>;
  updated_at: string;
}

await describeWith([postgres()], 'a change of the secret key', () => {
  const [formerKey, newKey] = [SecretBox.newKey(), SecretBox.newKey()];
  const former = SecretBox.fromKey(formerKey);
  const after = SecretBox.fromKey(newKey);
  const between = SecretBox.fromKey(newKey, [formerKey]);
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
    await (await openDatabase(database.url, 2)).destroy();
    await sql('INSERT INTO settings (name, value) VALUES ($1, $2)', ['secret-key-id', former.keyId]);
    const userId = randomUUID();
    await sql(`INSERT INTO users (id, username, password_hash) VALUES ($1, 'ada', '')`, [userId]);
    const rows = Array.from({ length: ENVIRONMENTS }, (_, i) => {
      const id = randomUUID();
      const seal = (key: string) => former.seal(`${key} of ${id}`, environmentSecret(id, key));
      // some without a password, some with nothing sealed, some deleted but still needed
      const secrets = i % 5 === 0 ? {} : { accessToken: seal('accessToken'), 'Key-2': seal('Key-2') };
      return { id, user_id: userId, password: i % 2 === 0 ? null : seal('password'), secrets, deleted: i % 7 === 0 };
    });
    await sql(
      `INSERT INTO environments (id, user_id, title, password, secrets, deleted_at, updated_at)
       SELECT id, user_id, 'cloud', password, secrets, CASE WHEN deleted THEN now() END, now() - interval '1 day'
         FROM jsonb_to_recordset($1) AS rows (id uuid, user_id uuid, password text, secrets jsonb, deleted boolean)`,
      [JSON.stringify(rows)],
    );
  });
  afterEach(() => database.drop());

  it('seals everything anew, bound to what it belongs to, and leaves all else as it is', async () => {
    const before = await environments();
    expect(await rotate(between)).toMatch(/^525 secrets of 225 environments are sealed anew.*belongs to the secret key/s);
    const rows = await environments();
    expect(rows.map(({ id, updated_at }) => [id, updated_at])).toEqual(before.map(({ id, updated_at }) => [id, updated_at]));
    for (const row of rows)
      expect(opened(row, after)).toEqual(
        opened(
          before.find(({ id }) => id === row.id)!,
          former,
        ),
      );
    expect(sealedWith(rows, former)).toBe(0);
    expect(await sql('SELECT name, value FROM settings ORDER BY name')).toEqual([
      { name: 'retired-secret-key-ids', value: former.keyId },
      { name: 'secret-key-id', value: after.keyId },
    ]);
    expect(await rotate(between)).toMatch(/already: nothing was changed/);
    expect(await rotate(after)).toMatch(/already: nothing was changed/);
  });

  it('can be changed back, and further', async () => {
    await rotate(between);
    await rotate(SecretBox.fromKey(formerKey, [newKey]));
    expect(sealedWith(await environments(), after)).toBe(0);
    expect(await sql(`SELECT value FROM settings WHERE name = 'retired-secret-key-ids'`)).toEqual([{ value: after.keyId }]);
  });

  it.each([
    ['without the former key', after],
    ['with a wrong one', SecretBox.fromKey(newKey, [SecretBox.newKey()])],
  ])('%s says which one is missing, and changes nothing', async (_, box) => {
    const before = await environments();
    await expect(rotate(box)).rejects.toThrow(new RegExp(`belongs to the secret key ${former.keyId}.*VICE_OTHER_SECRET_KEYS`));
    expect(await environments()).toEqual(before);
  });

  it('names the environments that do not open, and changes nothing', async () => {
    const [first, second] = await environments();
    const lost = SecretBox.fromKey(SecretBox.newKey());
    await sql('UPDATE environments SET password = $2 WHERE id = $1', [first!.id, lost.seal('x', 'x')]);
    await sql('UPDATE environments SET secrets = $2 WHERE id = $1', [second!.id, { token: former.seal('x', 'elsewhere') }]);
    const before = await environments();
    const refusal = await rotate(between).catch((error: Error) => error.message);
    expect(refusal).toMatch(/^the secrets of 2 environments do not open, so nothing was changed/);
    expect(refusal).toContain(`environment ${first!.id} "cloud" of ada: a secret was sealed with key ${lost.keyId}`);
    expect(refusal).toContain(`environment ${second!.id} "cloud" of ada: a stored secret does not open`);
    expect(await environments()).toEqual(before);
    expect(await sql(`SELECT value FROM settings WHERE name = 'secret-key-id'`)).toEqual([{ value: former.keyId }]);
  });

  test('killed in the middle and run again, it goes on where it was', async () => {
    const ids = (await environments()).map(({ id }) => id);
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM environments WHERE id = $1 FOR UPDATE', [ids[ENVIRONMENTS - 50]]);
    const first = command();
    await until(async () => sealedWith(await environments(), after) > 0, { what: 'some are sealed anew', timeout: 60_000 });
    first.child.kill('SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');
    await holder.query('ROLLBACK');
    await holder.end();
    expect(sealedWith(await environments(), former)).toBeGreaterThan(0);
    expect(await sql(`SELECT value FROM settings WHERE name = 'secret-key-id'`)).toEqual([{ value: former.keyId }]);

    const { code, said } = await command().ended;
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('are sealed anew') });
    const rows = await environments();
    expect(sealedWith(rows, former)).toBe(0);
    for (const row of rows) expect(() => opened(row, after)).not.toThrow();
  });

  test('a registry keeps nothing that is sealed with a key that was given up, or that it does not know', async () => {
    await using registry = await runRegistry();
    const { box, ask } = registry;
    const next = SecretBox.newKey();
    const userId = await registry.newUser();
    const create = (by: SecretBox) => {
      const id = randomUUID();
      const environment = { id, credentials: { password: by.seal('x', environmentSecret(id, 'password')) } };
      return ask(EnvironmentCalls.createEnvironment, { userId, environment });
    };
    await create(box);
    const stranger = SecretBox.fromKey(next);
    await expect(create(stranger)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(stranger.keyId),
    });
    await expect(ask(UserCalls.checkKey, { keyId: stranger.keyId, opens: [stranger.keyId, box.keyId] })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringContaining('VICE_OTHER_SECRET_KEYS'),
    });
    await registry.sql(`INSERT INTO settings VALUES ('retired-secret-key-ids', '${box.keyId}')`);
    await expect(create(box)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('given up') });
    await expect(ask(UserCalls.checkKey, { keyId: box.keyId, opens: [box.keyId] })).rejects.toMatchObject({
      code: 'CONFIGURATION',
    });
  });

  async function sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  async function environments(): Promise<Row[]> {
    const rows = await queryOnce(database.url, 'SELECT id, password, secrets, updated_at::text FROM environments ORDER BY id');
    return rows as unknown as Row[];
  }

  function rotate(box: SecretBox): Promise<string> {
    return rotateDatabaseKey({ databaseUrl: database.url, box, logger: createLogger('registry', 'silent'), alone: true });
  }

  /** As an operator runs it. */
  function command() {
    const child = spawn(process.execPath, [join(projectRoot, 'dist/apps/standalone/rotate-key.js')], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        DATABASE_URL: database.url,
        VICE_SECRET_KEY: newKey,
        VICE_OTHER_SECRET_KEYS: formerKey,
      },
    });
    const said: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk));
    const ended = new Promise<{ code: number | null; signal: string | null; said: string }>((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal, said: Buffer.concat(said).toString() })),
    );
    return { child, ended };
  }
});

function opened({ id, password, secrets }: Row, box: SecretBox) {
  return {
    password: password === null ? null : box.open(password, environmentSecret(id, 'password')),
    secrets: Object.fromEntries(
      Object.entries(secrets).map(([key, sealed]) => [key, box.open(sealed, environmentSecret(id, key))]),
    ),
  };
}

/** How many rows hold something that this box sealed. */
function sealedWith(rows: Row[], { keyId }: SecretBox): number {
  const holds = ({ password, secrets }: Row) => JSON.stringify([password, secrets]).includes(`:${keyId}:`);
  return rows.filter(holds).length;
}
