#!/usr/bin/env node
/**
 * npm start, npm run start:<app>, npm run migrate, npm run rotate-key: installs and builds where that is due, then runs the app in this very
 * process, so that signals reach it and its exit code is ours.
 *
 *   node scripts/start.mjs [standalone|gateway|registry|import-worker|export-worker|store-worker|migrate|rotate-key]
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root, say } from './prepare.mjs';

const APPS = ['standalone', 'gateway', 'registry', 'import-worker', 'export-worker', 'store-worker'];

/** What is run besides the apps, and ends by itself. */
const COMMANDS = { migrate: ['registry', 'migrate.js'], 'rotate-key': ['standalone', 'rotate-key.js'] };

const [app = 'standalone', ...rest] = process.argv.slice(2);
const program = APPS.includes(app) ? [app, 'main.js'] : COMMANDS[app];
if (!program) {
  say(`there is no app '${app}': ${[...APPS, ...Object.keys(COMMANDS)].join(', ')}`);
  process.exit(2);
}
// the default data folder is the clone's, from wherever this was called
process.chdir(root);
await prepare();

const main = join(root, 'dist', 'apps', ...program);
if (!existsSync(main)) {
  say(`${main} is missing after the build`);
  process.exit(1);
}
process.argv = [process.argv[0], main, ...rest];
process.setSourceMapsEnabled(true);
// from Node 22.8: the next start need not compile again
module.enableCompileCache?.();
await import(pathToFileURL(main).href);
