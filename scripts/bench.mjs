#!/usr/bin/env node
/** npm run bench: installs and builds where that is due, then measures; bench/README.md says what. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

process.chdir(root);
await prepare({ forTests: true });
await import(pathToFileURL(join(root, 'dist', 'bench', 'main.js')).href);
