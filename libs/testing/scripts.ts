import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder of package.json, whether this runs from the sources or from `dist/`. */
export const projectRoot = ((): string => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/**
 * Runs one of `scripts/`, and returns what it printed; its last words are in the error when it fails. What it starts ends with this process.
 */
export async function runScript(name: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  try {
    const { stdout } = await run(join(projectRoot, 'scripts', name), args, {
      env: { ...process.env, OWNER: String(process.pid), ...env },
      timeout: 300_000,
    });
    return stdout;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`scripts/${name} ${args.join(' ')} failed: ${stderr?.trim() || String(error)}`, { cause: error });
  }
}

/** Why the scripts cannot start a service of their own here, or null when they can. */
export function whyNoOwnServices(): string | null {
  if (process.getuid?.() !== 0) return 'it needs root';
  if (!existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get')) return 'it needs Debian';
  return null;
}
