import { type JsonObject } from '#libs/contracts';
import { isStrings } from '../../json.js';
import { invalid, refused } from '../../refusal.js';
import { type LinuxTree } from './linux-tree.js';
import { shown } from './tree.walk.js';

/** Where programs are looked for that are named without their folder. */
export const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SHELLS = ['/bin/sh', '/bin/bash', '/bin/busybox', '/usr/bin/sh', '/usr/bin/bash'];

export async function shellOf(tree: LinuxTree): Promise<string | undefined> {
  for (const shell of SHELLS) if (await isFile(tree, shell)) return shell;
  return undefined;
}

/** Throws CONTENT_INVALID for a damaged tree, and CONTENT_REFUSED for one with neither the program that this configuration starts nor a shell: it is no system that could run. */
export async function requireProgram(tree: LinuxTree, config: JsonObject): Promise<void> {
  const [program] = [config.Entrypoint, config.Cmd].flatMap((words) => (isStrings(words) ? words : []));
  for (const path of program ? placesOf(program, config) : []) if (await isFile(tree, path)) return;
  if (await shellOf(tree)) return;
  throw refused('the system on the disk has neither a shell nor the program that a container of it would start');
}

function placesOf(program: string, { Env, WorkingDir }: JsonObject): string[] {
  const start = typeof WorkingDir === 'string' ? WorkingDir : '';
  if (program.includes('/')) return [program.startsWith('/') ? program : `${start}/${program}`];
  const own = isStrings(Env) ? Env.findLast((variable) => variable.startsWith('PATH=')) : undefined;
  const folders = (own?.slice('PATH='.length) ?? USUAL_PATH).split(':');
  return folders.map((folder) => `${folder.startsWith('/') ? folder : `${start}/${folder}`}/${program}`);
}

async function isFile(tree: LinuxTree, path: string): Promise<boolean> {
  const node = await tree.find(Buffer.from(path).toString('latin1'));
  if (node?.inode.type === 'unknown') throw invalid(`the filesystem is damaged: ${shown(node.path)} has been deleted`);
  return node?.inode.type === 'file';
}
