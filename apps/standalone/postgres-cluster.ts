import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ViceError } from '#libs/errors';
import { type PostgresBinaries } from './postgres-binaries.js';
import { type PostgresIdentity } from './postgres-identity.js';
import { type ServerLog } from './server-log.js';

export const DATABASE = 'vice';
export const DATABASE_USER = 'vice';

/** Where things lie below `<data folder>/postgres`. */
export function layout(home: string) {
  return { home, cluster: join(home, 'cluster'), settings: join(home, 'settings.json') };
}

/** What outlives a restart besides the data itself. */
export interface PostgresSettings {
  port: number;
  password: string;
}

export async function readSettings(path: string): Promise<PostgresSettings | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as PostgresSettings;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ViceError('CONFIGURATION', `cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

export async function writeSettings(path: string, settings: PostgresSettings): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(settings)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Runs PostgreSQL's programs, none of which may see the environment's PG… variables. */
export class PostgresPrograms {
  constructor(
    readonly binaries: PostgresBinaries,
    private readonly identity: PostgresIdentity,
    private readonly log: ServerLog,
  ) {}

  /** The server, in a session of its own: a Ctrl-C at the terminal must not end it before those who use it. */
  startServer(cluster: string, settings: Record<string, string>) {
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    return this.identity.spawn(this.binaries.postgres, ['-D', cluster, ...flags], {
      ...this.options(),
      detached: true,
      stdio: ['ignore', this.log.descriptor, this.log.descriptor],
    });
  }

  /** Makes a cluster with an empty database. It appears whole or not at all, however often this is interrupted. */
  async createCluster(home: string, password: string): Promise<void> {
    const { cluster } = layout(home);
    const drafts = (await readdir(home)).filter((name) => name.startsWith('draft-'));
    await Promise.all(drafts.map((name) => rm(join(home, name), { recursive: true, force: true })));
    const draft = join(home, `draft-${randomBytes(4).toString('hex')}`);
    await this.run(this.binaries.initdb, [
      ...[`--pgdata=${draft}`, `--username=${DATABASE_USER}`, '--auth=trust', '--encoding=UTF8'],
      // sorts and folds the same on every machine
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ]);
    await writeFile(join(draft, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
    await this.execute(draft, `CREATE DATABASE ${DATABASE}`, setPassword(password));
    await rename(draft, cluster);
  }

  /** For a cluster whose password was lost with its settings. */
  async changePassword(cluster: string, password: string): Promise<void> {
    await this.execute(cluster, setPassword(password));
  }

  /** Runs statements on a cluster that no server runs on. */
  private async execute(cluster: string, ...statements: string[]): Promise<void> {
    const input = statements.map((statement) => `${statement}\n`).join('');
    await this.run(this.binaries.postgres, ['--single', '-D', cluster, '-c', 'exit_on_error=on', 'postgres'], input);
  }

  private async run(program: string, args: readonly string[], input = ''): Promise<void> {
    this.log.mark();
    const child = this.identity.spawn(program, args, { ...this.options(), stdio: ['pipe', 'ignore', this.log.descriptor] });
    child.stdin?.on('error', () => undefined).end(input);
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    if (code !== 0) throw new ViceError('CONFIGURATION', `${program} ended with ${code ?? signal}${this.log.lastWords()}`);
  }

  private options() {
    return { cwd: '/', env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' } };
  }
}

const setPassword = (password: string) => `ALTER USER ${DATABASE_USER} PASSWORD '${password}'`;

/** @throws ViceError CONFIGURATION when a PostgreSQL of another major version made the cluster */
export function checkVersion(cluster: string, programVersion: string): void {
  const made = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  if (made === programVersion) return;
  throw new ViceError(
    'CONFIGURATION',
    `${cluster} was made by PostgreSQL ${made}, and this release brings ${programVersion}: dump it with the former release and restore it into a new data folder`,
  );
}

export function clusterExists(cluster: string): boolean {
  return existsSync(join(cluster, 'PG_VERSION'));
}
