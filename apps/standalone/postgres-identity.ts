import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chown, stat } from 'node:fs/promises';
import { ViceError } from '#libs/errors';

/** As whom PostgreSQL's programs run, which refuse to run as root. */
export interface PostgresIdentity {
  /** For the log: "as the user nobody". */
  description: string;
  spawn(program: string, args: readonly string[], options: SpawnOptions): ChildProcess;
}

interface Candidate {
  description: string;
  /** Put before the program. */
  prefix: readonly string[];
  ids: { uid?: number; gid?: number };
}

/**
 * Finds an identity that can run the program and write into the folder, and gives the folder to it.
 * - Anyone but root: as it stands.
 * - Root: whoever owns the folder already; else root itself inside a user namespace, where it looks like somebody else: this reaches
 *   everything that root owns, private homes included; else (in a container that allows no namespaces) the user postgres or nobody.
 * @throws ViceError CONFIGURATION when none can
 */
export async function choosePostgresIdentity(program: string, folder: string): Promise<PostgresIdentity> {
  if (process.getuid?.() !== 0) return toIdentity({ description: 'as this user', prefix: [], ids: {} });
  const owner = await stat(folder);
  const candidates = owner.uid === 0 ? rootCandidates() : [asUser(`user ${owner.uid}`, owner.uid, owner.gid)];
  const refusals: string[] = [];
  for (const candidate of candidates) {
    const { uid = 0, gid = 0 } = candidate.ids;
    await chown(folder, uid, gid);
    const refusal = tryOut(candidate, program, folder);
    if (refusal === null) return toIdentity(candidate);
    refusals.push(`${candidate.description}: ${refusal}`);
    await chown(folder, owner.uid, owner.gid);
  }
  throw new ViceError(
    'CONFIGURATION',
    `PostgreSQL does not run as root, and found nobody else to run as (${refusals.join('; ')}): start as another user, or set DATABASE_URL`,
  );
}

function rootCandidates(): Candidate[] {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => uid > 0);
  const candidates: Candidate[] = [];
  // any id will do, but PostgreSQL wants to know a name for it
  const [anyone] = users;
  if (anyone) {
    const prefix = ['unshare', '--user', `--map-user=${anyone.uid}`, `--map-group=${anyone.gid}`, '--'];
    candidates.push({ description: 'in a user namespace', prefix, ids: {} });
  }
  for (const wanted of ['postgres', 'nobody']) {
    const user = users.find(({ name }) => name === wanted);
    if (user) candidates.push(asUser(`the user ${wanted}`, user.uid, user.gid));
  }
  return candidates;
}

function asUser(name: string, uid: number, gid: number): Candidate {
  return { description: `as ${name}`, prefix: [], ids: { uid, gid } };
}

/** Why the candidate can't, or null. */
function tryOut({ prefix, ids }: Candidate, program: string, folder: string): string | null {
  const [command = 'sh', ...args] = [...prefix, 'sh', '-c', '"$0" --version && test -w "$1" && cd "$1"', program, folder];
  const { status, error, stderr } = spawnSync(command, args, { ...ids, encoding: 'utf8', cwd: '/' });
  if (status === 0) return null;
  return error?.message ?? (stderr.trim().split('\n').at(-1) || `cannot write to ${folder}`);
}

function toIdentity({ description, prefix, ids }: Candidate): PostgresIdentity {
  return {
    description,
    spawn(program, args, options) {
      const [command = program, ...rest] = [...prefix, program, ...args];
      return spawn(command, rest, { ...options, ...ids });
    },
  };
}
