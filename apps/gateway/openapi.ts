import { readFile, writeFile } from 'node:fs/promises';
import { createLogger, Metrics } from '#libs/observability';
import { createGateway } from './application.js';
import { type GatewayParts } from './gateway.module.js';
import { openApiDocument } from './openapi/document.js';

/** Writes `openapi.json` at the root of the project; with `--check` it only fails where that file is stale. Needs no other service. */
const PATH = 'openapi.json';

// A preview makes none of the parts, so there need be none.
const parts = {
  logger: createLogger('openapi', 'error'),
  metrics: new Metrics('openapi'),
  checks: {},
} as unknown as GatewayParts;
const app = await createGateway(parts, true);
const text = `${JSON.stringify(openApiDocument(app), null, 2)}\n`;

if (process.argv.includes('--check')) {
  const written = await readFile(PATH, 'utf8').catch(() => '');
  if (written !== text) {
    process.stderr.write(`${PATH} is stale: npm run openapi\n`);
    process.exitCode = 1;
  }
} else {
  await writeFile(PATH, text);
}
