import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** Where tools are looked for, and what they get as PATH: nothing that a user of this machine may write to. */
export const TOOL_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** The absolute path of a program, or null where it is not installed. A name with a slash is its own path. */
export async function findProgram(name: string): Promise<string | null> {
  const candidates = name.includes('/') ? [name] : TOOL_PATH.map((folder) => join(folder, name));
  for (const path of candidates) {
    if (await may(path, constants.X_OK)) return path;
  }
  return null;
}

export async function isReadable(path: string): Promise<boolean> {
  return may(path, constants.R_OK);
}

async function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
