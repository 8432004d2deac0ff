import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '#libs/testing';
import { type Answer, type ViceClient } from './client.js';
import { ANSWER_MS } from './load.js';

/** What the paths and bodies of operations name. */
export interface Things {
  environmentId: string;
  imageId: string;
  deploymentId: string;
}

interface Operation {
  operationId: string;
  method: string;
  path: string;
  multipart: boolean;
  takesBody: boolean;
}

interface OpenApi {
  paths: Record<string, Record<string, { operationId: string; requestBody?: { content: Record<string, unknown> } }>>;
}

const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

/** Each operation of the API, asked once, all at the same time. Raises when one has no whole answer in time. */
export async function askEverything(
  client: ViceClient,
  things: Things,
): Promise<{ operation: string; answer: Answer; ms: number }[]> {
  return Promise.all(operations().map((operation) => ask(client, operation, things)));
}

function operations(): Operation[] {
  const { paths } = JSON.parse(readFileSync(join(projectRoot, 'openapi.json'), 'utf8')) as OpenApi;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId, requestBody }]) => ({
      operationId,
      method: method.toUpperCase(),
      path: path.replace(/^\/v1/, ''),
      multipart: requestBody?.content['multipart/form-data'] !== undefined,
      takesBody: requestBody !== undefined,
    })),
  );
}

async function ask(client: ViceClient, { operationId, method, path, multipart, takesBody }: Operation, things: Things) {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => things[name as keyof Things] ?? UNKNOWN_ID);
  const began = performance.now();
  const answer = await client.request(method, filled, {
    timeout: ANSWER_MS,
    ...(multipart ? { form: form() } : takesBody && { json: body(path, things) }),
  });
  return { operation: operationId, answer, ms: performance.now() - began };
}

/** Valid for whatever takes a body: what an operation does not know it ignores. */
function body(path: string, { environmentId, imageId }: Things): object {
  const id = path.startsWith('/environment') ? environmentId : imageId;
  return { id, imageid: imageId, environmentId, username: NEWCOMER.username, password: NEWCOMER.password, title: 'changed' };
}

/** Who registers. */
export const NEWCOMER = { username: 'newcomer', password: 'a word of their own' };

function form(): FormData {
  const form = new FormData();
  form.set('upfile', new Blob(['content']), 'disk.img');
  return form;
}
