import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { projectRoot } from './scripts.js';
import { until } from './until.js';

export type App = 'gateway' | 'registry' | 'import-worker' | 'export-worker' | 'store-worker' | 'standalone';

/** One of our apps, running as a process of its own. */
export interface TestProcess extends AsyncDisposable {
  app: App;
  pid: number;
  port: number;
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** All that it has printed so far. */
  logs(): string;
  /** Resolves when it has ended, however. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** SIGTERM, and SIGKILL when that has not ended it within 40 s. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  /** Besides what the test's own environment has, which the process gets too. */
  env: Record<string, string>;
  /** By default a free one. */
  port?: number;
  /** Milliseconds until `/health/ready` must answer. */
  timeout?: number;
  /** False: return at once, without waiting for `/health/ready`. */
  waitUntilReady?: boolean;
  /** Path of a new file for what it prints, which otherwise is kept in memory and read on the way. */
  printTo?: string;
}

/** Starts `dist/apps/<app>/main.js` (build first) and waits until it is ready. */
export async function startProcess(app: App, options: ProcessOptions): Promise<TestProcess> {
  const port = options.port ?? (await freePort());
  const main = join(projectRoot, 'dist', 'apps', app, 'main.js');
  const output = options.printTo === undefined ? 'pipe' : openSync(options.printTo, 'wx');
  const child = spawn(process.execPath, ['--enable-source-maps', main], {
    cwd: projectRoot,
    env: { ...withoutJest(process.env), HOST: '127.0.0.1', PORT: String(port), ...options.env },
    stdio: ['ignore', output, output],
  });
  if (output !== 'pipe') closeSync(output);
  const running = watch(app, child, port, options.printTo);
  if (options.waitUntilReady === false) return running;
  const ended = running.exited.then(({ code, signal }) => Promise.reject(new Error(`${app} ended with ${code ?? signal}`)));
  try {
    await Promise.race([until(() => isReady(running), { what: `${app} is ready`, timeout: options.timeout ?? 30_000 }), ended]);
  } catch (error) {
    await running.kill('SIGKILL');
    throw new Error(`${(error as Error).message}; it printed:\n${running.logs()}`, { cause: error });
  }
  return running;
}

function watch(app: App, child: ChildProcess, port: number, printedTo?: string): TestProcess {
  const printed: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => printed.push(chunk));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject).once('exit', (code, signal) => resolve({ code, signal }));
  });
  const kill = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  const stop = async () => {
    const late = setTimeout(() => child.kill('SIGKILL'), 40_000);
    await kill('SIGTERM');
    clearTimeout(late);
  };
  return {
    app,
    pid: child.pid ?? 0,
    port,
    url: `http://127.0.0.1:${port}`,
    logs: () => (printedTo === undefined ? Buffer.concat(printed).toString('utf8') : readFileSync(printedTo, 'utf8')),
    exited,
    kill,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function isReady(running: TestProcess): Promise<boolean> {
  const response = await fetch(`${running.url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
  return response.ok;
}

/** What jest sets for itself would change how the app runs. */
function withoutJest(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const jestsOwn = ['NODE_OPTIONS', 'NODE_ENV', 'JEST_WORKER_ID'];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !jestsOwn.includes(name)));
}
