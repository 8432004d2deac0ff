import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One request by curl. Answers the seconds that it took, without the start of curl; raises what is not the expected status. */
export async function curl(expected: number, ...args: string[]): Promise<number> {
  const { stdout } = await run('curl', ['-sS', '-w', '\n%{http_code} %{time_total}', ...args]);
  const [, status, seconds] = /(\d+) ([\d.]+)$/.exec(stdout) ?? [];
  if (Number(status) !== expected) throw new Error(`curl ${args.at(-1)} was answered: ${stdout}`);
  return Number(seconds);
}
