import { freePort } from './free-port.js';
import { runScript } from './scripts.js';
import { shortTempPath } from './temp-dir.js';

/** One series at one moment. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** A Prometheus of the test's own. */
export interface TestPrometheus extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  url: string;
  /** What an expression gives now. Raises what Prometheus says against it. */
  query(expression: string): Promise<Sample[]>;
}

/** Runs promtool; raises what it says when it fails. Paths must be absolute. */
export async function promtool(...args: string[]): Promise<string> {
  return runScript('prometheus.sh', ['promtool', ...args]);
}

/** Starts a Prometheus (1 s; the very first one downloads its package). @param config path of its configuration */
export async function startPrometheus(config: string): Promise<TestPrometheus> {
  const dir = shortTempPath();
  const port = await freePort();
  const stop = async () => void (await runScript('prometheus.sh', ['stop', dir]));
  try {
    await runScript('prometheus.sh', ['start', dir, String(port), config]);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `http://127.0.0.1:${port}`;
  return { url, query: (expression) => query(url, expression), [Symbol.asyncDispose]: stop };
}

async function query(url: string, expression: string): Promise<Sample[]> {
  const response = await fetch(`${url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expression }) });
  const { status, error, data } = (await response.json()) as QueryAnswer;
  if (status !== 'success') throw new Error(`Prometheus says of ${expression}: ${error}`);
  if (data.resultType !== 'vector') throw new Error(`${expression} gives a ${data.resultType}, and no vector`);
  return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
}

interface QueryAnswer {
  status: 'success' | 'error';
  error?: string;
  data: { resultType: string; result: { metric: Record<string, string>; value: [number, string] }[] };
}
