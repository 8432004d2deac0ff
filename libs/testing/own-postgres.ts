import { freePort } from './free-port.js';
import { runScript } from './scripts.js';
import { shortTempPath } from './temp-dir.js';

/** A PostgreSQL of the test's own, which it may stop, kill and freeze. */
export interface TestPostgres extends AsyncDisposable {
  /** Of an empty database: `postgres://root@127.0.0.1:…/vice` */
  url: string;
  /** Ends it as its service is stopped: clients are cut off. `start` brings it back with what it held. */
  halt(): Promise<void>;
  /** Ends it by SIGKILL; `start` brings it back with what was committed. */
  kill(): Promise<void>;
  /** Connections stay, and nothing is answered, until `thaw`. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes what it held. */
  stop(): Promise<void>;
}

/** Starts a server on a free port, in 2 s. */
export async function startPostgres(): Promise<TestPostgres> {
  const dir = shortTempPath();
  const port = await freePort();
  const script = async (...args: string[]) => void (await runScript('postgres.sh', args));
  const start = () => script('start', dir, String(port));
  const stop = () => script('stop', dir);
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `postgres://root@127.0.0.1:${port}/vice`,
    halt: () => script('stop-keep', dir),
    kill: () => script('kill', dir),
    freeze: () => script('freeze', dir),
    thaw: () => script('thaw', dir),
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
