#!/usr/bin/env node
/**
 * npm start, npm run start:<app>: installs and builds where that is due, then runs the app in this very process, so that signals reach it and its
 * exit code is ours.
 *
 *   node scripts/start.mjs [standalone|gateway|registry|import-worker|export-worker|store-worker|migrate]
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root, say } from './prepare.mjs';

const APPS = ['standalone', 'gateway', 'registry', 'import-worker', 'export-worker', 'store-worker', 'migrate'];

const [app = 'standalone', ...rest] = process.argv.slice(2);
if (!APPS.includes(app)) {
  say(`there is no app '${app}': ${APPS.join(', ')}`);
  process.exit(2);
}
// the default data folder is the clone's, from wherever this was called
process.chdir(root);
await prepare();

// migrating is the registry's, and ends by itself
const main = join(root, 'dist', 'apps', ...(app === 'migrate' ? ['registry', 'migrate.js'] : [app, 'main.js']));
if (!existsSync(main)) {
  say(`${main} is missing after the build`);
  process.exit(1);
}
process.argv = [process.argv[0], main, ...rest];
process.setSourceMapsEnabled(true);
// from Node 22.8: the next start need not compile again
module.enableCompileCache?.();
await import(pathToFileURL(main).href);
