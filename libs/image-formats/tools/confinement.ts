import { execFile } from 'node:child_process';
import { lstatSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { findProgram } from './programs.js';

/** What a program may see and change. Paths are absolute. */
export interface Surroundings {
  reads: readonly string[];
  folder: string;
}

/** How a tool is kept from everything that is not its business. */
export interface Confinement {
  name: 'bubblewrap' | 'bare';
  /** What goes before the program's own path and arguments. */
  prefix(surroundings: Surroundings): string[];
}

const TMP_BYTES = 64 << 20;
/** On a system whose /usr is merged these are links into it. */
const SYSTEM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Of /etc only what programs need to start, or to do the same everywhere. */
const SYSTEM_FILES = ['/etc/alternatives', '/etc/ld.so.cache', '/etc/mke2fs.conf'];

/** Namespaces of its own, no capability, no network, and of the filesystem only what it is given. It dies with us, and all it started with it. */
export const bubblewrap = (bwrap: string): Confinement => ({
  name: 'bubblewrap',
  prefix: ({ reads, folder }) => [
    ...[bwrap, '--unshare-all', '--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...['--ro-bind', '/usr', '/usr', ...SYSTEM_FOLDERS.flatMap(asItIs)],
    ...SYSTEM_FILES.flatMap((path) => ['--ro-bind-try', path, path]),
    // Where we are root, so is the tool, and settings of the kernel ask for nothing else: hence read-only.
    ...['--proc', '/proc', '--remount-ro', '/proc', '--dev', '/dev', '--size', String(TMP_BYTES), '--tmpfs', '/tmp'],
    ...reads.flatMap((path) => ['--ro-bind', path, path]),
    ...['--bind', folder, folder, '--chdir', folder, '--remount-ro', '/', '--'],
  ],
});

/** Nothing but the limits. */
export const bare: Confinement = { name: 'bare', prefix: () => [] };

let known: Promise<Confinement> | undefined;

/** The best that works here, found out once: inside a container bubblewrap may be there and yet not be allowed to make namespaces. */
export function bestConfinement(): Promise<Confinement> {
  return (known ??= probe());
}

async function probe(): Promise<Confinement> {
  const bwrap = await findProgram('bwrap');
  if (bwrap === null) return bare;
  const [command = '', ...args] = bubblewrap(bwrap).prefix({ reads: [], folder: '/usr' });
  return promisify(execFile)(command, [...args, '/usr/bin/true'], { timeout: 10_000 }).then(
    () => bubblewrap(bwrap),
    () => bare,
  );
}

function asItIs(path: string): string[] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return [];
  return found.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}
