import { execFileSync, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DirectoryLock } from '#libs/config';
import { ViceError } from '#libs/errors';
import { findPostgres } from './postgres-binaries.js';
import {
  checkVersion,
  clusterExists,
  DATABASE,
  DATABASE_USER,
  layout,
  newPassword,
  PostgresPrograms,
  readSettings,
  writeSettings,
} from './postgres-cluster.js';
import { choosePostgresIdentity } from './postgres-identity.js';
import { endLeftBehind, endPostmaster, readPostmasterFile, signalQuietly } from './postmaster.js';
import { ServerLog } from './server-log.js';

const START_PATIENCE_MS = 300_000;

export interface EmbeddedPostgresOptions {
  /** The data folder. The cluster is in its `postgres/`, the server's log is its `postgres.log`. */
  dataDir: string;
  /** Called when the server ends without having been told to. */
  onUnexpectedEnd?: (error: ViceError) => void;
}

/** A real PostgreSQL of this process's own, in the data folder, on a port of 127.0.0.1. */
export class EmbeddedPostgres implements AsyncDisposable {
  private stopping: Promise<void> | null = null;
  private ended = false;

  private constructor(
    /** `postgres://vice:…@127.0.0.1:…/vice`, password included */
    readonly databaseUrl: string,
    private readonly server: ChildProcess,
    private readonly lock: DirectoryLock,
    onUnexpectedEnd: (error: ViceError) => void,
    logPath: string,
  ) {
    server.once('exit', (code, signal) => {
      this.ended = true;
      process.off('exit', this.endWithProcess);
      const message = `the embedded PostgreSQL ended by itself (${code ?? signal}): see ${logPath}`;
      if (this.stopping === null) onUnexpectedEnd(new ViceError('UNAVAILABLE', message));
    });
    process.on('exit', this.endWithProcess);
  }

  /**
   * Makes the cluster at the first start, and ends what a killed process left running.
   * @throws ViceError CONFIGURATION, which says what to do
   */
  static async start({ dataDir, onUnexpectedEnd = () => undefined }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const folder = resolve(dataDir);
    const lock = await lockFolder(folder);
    try {
      using log = new ServerLog(join(folder, 'postgres.log'));
      const { server, databaseUrl } = await startInFolder(join(folder, 'postgres'), log);
      return new EmbeddedPostgres(databaseUrl, server, lock, onUnexpectedEnd, log.path);
    } catch (error) {
      await lock.release();
      throw explained(error, 'the embedded PostgreSQL did not start');
    }
  }

  /** Ends the server in good order. May be called again. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async end(): Promise<void> {
    const { pid } = this.server;
    if (!this.ended && pid !== undefined) await endPostmaster(pid, () => this.ended);
    await this.lock.release();
  }

  /** For a process that ends without stopping us first. */
  private readonly endWithProcess = () => {
    if (this.server.pid !== undefined) signalQuietly(this.server.pid, 'SIGINT');
  };
}

async function lockFolder(folder: string): Promise<DirectoryLock> {
  try {
    mkdirSync(folder, { recursive: true });
    return await DirectoryLock.take(
      join(folder, 'postgres.lock'),
      (holder) =>
        `the data folder ${folder} is in use by process ${holder}: stop that one, or set VICE_DATA_DIR to another folder`,
    );
  } catch (error) {
    throw explained(error, `the data folder ${folder} cannot be used`);
  }
}

async function startInFolder(folder: string, log: ServerLog): Promise<{ server: ChildProcess; databaseUrl: string }> {
  const { home, cluster, settings: settingsPath } = layout(folder);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const binaries = findPostgres();
  const identity = await choosePostgresIdentity(binaries.postgres, home);
  const programs = new PostgresPrograms(binaries, identity, log);

  const known = await readSettings(settingsPath);
  const password = known?.password ?? newPassword();
  if (clusterExists(cluster)) {
    checkVersion(cluster, majorVersion(binaries.postgres));
    await endLeftBehind(cluster);
    if (known === null) await programs.changePassword(cluster, password);
  } else {
    await programs.createCluster(home, password);
  }

  for (let port = await freePort(known?.port ?? 0), tries = 1; ; port = await freePort(0), tries++) {
    await writeSettings(settingsPath, { port, password });
    log.mark();
    const server = programs.startServer(cluster, {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      log_line_prefix: '%m [%p] ',
    });
    if (await isReady(server, cluster)) {
      return { server, databaseUrl: `postgres://${DATABASE_USER}:${password}@127.0.0.1:${port}/${DATABASE}` };
    }
    const taken = log.since().includes('Address already in use');
    if (!taken || tries === 5) throw new ViceError('CONFIGURATION', `the embedded PostgreSQL did not start${log.lastWords()}`);
  }
}

/** False when the server ended instead. */
async function isReady(server: ChildProcess, cluster: string): Promise<boolean> {
  let ended = false;
  server.once('exit', () => (ended = true)).once('error', () => (ended = true));
  for (const deadline = Date.now() + START_PATIENCE_MS; Date.now() < deadline; await delay(10)) {
    if (ended) return false;
    const file = readPostmasterFile(cluster);
    if (file !== null && file.ready && file.pid === server.pid) return true;
  }
  server.kill('SIGINT');
  throw new ViceError('CONFIGURATION', `the embedded PostgreSQL was not ready within ${START_PATIENCE_MS / 1000} s`);
}

/** The wanted port where it is free, else any that is. */
async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(wanted, '127.0.0.1', resolve));
  } catch (error) {
    if (wanted === 0) throw error;
    return freePort(0);
  }
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : freePort(0);
}

function majorVersion(postgres: string): string {
  return /\) (\d+)/.exec(execFileSync(postgres, ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
}

function explained(error: unknown, what: string): ViceError {
  if (error instanceof ViceError) return error;
  return new ViceError('CONFIGURATION', `${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}
