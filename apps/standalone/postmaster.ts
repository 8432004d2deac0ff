import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ViceError } from '#libs/errors';

const FAST_SHUTDOWN_MS = 60_000;
const IMMEDIATE_SHUTDOWN_MS = 10_000;

/** What PostgreSQL's main process writes into its folder: its id, and how far it has come. */
export interface PostmasterFile {
  pid: number;
  ready: boolean;
}

export function readPostmasterFile(cluster: string): PostmasterFile | null {
  try {
    const lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(lines[0]);
    return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === 'ready' } : null;
  } catch {
    return null;
  }
}

/**
 * Ends the server that a killed process of ours left behind, in good order, and clears away its file when the id in it belongs to nobody or
 * to a stranger: PostgreSQL itself takes any living process for a server, also a zombie.
 */
export async function endLeftBehind(cluster: string): Promise<void> {
  const left = readPostmasterFile(cluster);
  if (left === null) return;
  if (isPostmasterOf(left.pid, cluster)) await endPostmaster(left.pid, () => !isPostmasterOf(left.pid, cluster));
  // a server that runs on this folder under another path keeps its file, so that PostgreSQL sees it and refuses
  if (!isLivingPostgres(left.pid)) rmSync(join(cluster, 'postmaster.pid'), { force: true });
}

/** Fast shutdown: clients are cut off, what they had committed is written out. Where that takes too long, recovery at the next start does the rest. */
export async function endPostmaster(pid: number, hasEnded: () => boolean): Promise<void> {
  for (const [signal, patience] of [
    ['SIGINT', FAST_SHUTDOWN_MS],
    ['SIGQUIT', IMMEDIATE_SHUTDOWN_MS],
  ] as const) {
    signalQuietly(pid, signal);
    for (const deadline = Date.now() + patience; Date.now() < deadline; await delay(10)) if (hasEnded()) return;
  }
  throw new ViceError('CONFIGURATION', `the embedded PostgreSQL (process ${pid}) does not end: end it, then start again`);
}

export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function isPostmasterOf(pid: number, cluster: string): boolean {
  if (!isLivingPostgres(pid)) return false;
  if (process.platform !== 'linux') return processField(pid, 'args').includes(cluster);
  const [here, there] = [statSync(cluster), statSync(`/proc/${pid}/cwd`, { throwIfNoEntry: false })];
  return here.ino === there?.ino && here.dev === there.dev;
}

function isLivingPostgres(pid: number): boolean {
  if (process.platform !== 'linux') return /(^|\/)postgres$/.test(processField(pid, 'comm'));
  try {
    const [, name, state] = /\((.*)\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return name === 'postgres' && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

/** Empty for a process that isn't there. */
function processField(pid: number, field: 'comm' | 'args'): string {
  try {
    return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}
