import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type OpenAPIObject } from '@nestjs/swagger';
import { type FastifyInstance } from 'fastify';

/** What of Swagger UI the page needs. It is the one that @nestjs/swagger brings along: nothing is asked of the internet. */
const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>ViCE Image Registry</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`;
const SCRIPT = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });\n`;

/** `/openapi.json`, and `/docs`, which shows it. */
export function serveDocument(server: FastifyInstance, document: OpenAPIObject): void {
  const json = JSON.stringify(document);
  const assets = assetFolder();
  server.get('/openapi.json', async (_request, reply) => reply.type('application/json; charset=utf-8').send(json));
  server.get('/docs', async (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE));
  server.get('/docs/page.js', async (_request, reply) => reply.type('text/javascript; charset=utf-8').send(SCRIPT));
  for (const [name, type] of Object.entries(ASSETS)) {
    server.get(`/docs/${name}`, async (_request, reply) => reply.type(type).send(await readFile(join(assets, name))));
  }
}

function assetFolder(): string {
  const ours = createRequire(import.meta.url);
  const theirs = createRequire(ours.resolve('@nestjs/swagger'));
  return dirname(theirs.resolve('swagger-ui-dist/package.json'));
}
