import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Image } from '#libs/contracts';
import { freePort, projectRoot, startProcess, tempDir, until, type App } from '#libs/testing';
import { expectStatus, type ViceClient } from './client.js';
import { EventReader } from './event-reader.js';
import { inBothWays, SERVICES, startVice, type Vice } from './vice.js';

await inBothWays('operation', [], (way) => {
  let vice: Vice;
  let ada: ViceClient;

  beforeAll(async () => {
    vice = await startVice(way);
    ada = await vice.newUser();
  }, 120_000);
  afterAll(async () => vice?.[Symbol.asyncDispose](), 60_000);

  const stats = async () => expectStatus(200, await ada.get('/runtimestats'));

  test('the statistics count workers, and what is pending', async () => {
    const idle = { importsPending: 0, importWorker: 1, exportsPending: 0, exportWorker: 1, storePending: 0, storeWorker: 1 };
    await until(async () => expect(await stats()).toEqual(idle) === undefined, { what: 'nothing is pending' });
    if (way === 'standalone') return;
    const second = await vice.addWorker('import-worker');
    expect(await stats()).toEqual({ ...idle, importWorker: 2 });
    await second.kill('SIGTERM');
    expect(await stats()).toEqual(idle);
  }, 30_000);

  test('several of each service share the work', async () => {
    if (way === 'standalone') return;
    const more = await Promise.all((['gateway', 'registry', 'store-worker'] as const).map((service) => vice.addWorker(service)));
    await using events = await EventReader.open(ada);
    const throughSecond = ada.at(more[0]?.url ?? '');
    const images = await Promise.all(
      Array.from({ length: 10 }, (_, i) => throughSecond.uploadedImage(Buffer.from(`FROM scratch\nLABEL i=${i}\n`))),
    );
    for (const image of images) await events.heard('image', ({ id, status }: Image) => id === image.id && status === 'ready');
    await Promise.all(more.map((process) => process.stop()));
    expect(await ada.image(images[0]?.id ?? '')).toMatchObject({ status: 'ready' });
  });

  test('every service tells that it lives and is ready', async () => {
    for (const service of SERVICES) {
      for (const health of ['live', 'ready']) {
        const answer = await fetch(`${vice.process(service).url}/health/${health}`);
        expect({ service, health, status: answer.status }).toEqual({ service, health, status: 200 });
      }
    }
  });

  test('the API’s description is the one that is checked in, and has a page', async () => {
    const served: unknown = await (await fetch(`${vice.url}/openapi.json`)).json();
    expect(served).toEqual(JSON.parse(await readFile(join(projectRoot, 'openapi.json'), 'utf8')));
    const page = await fetch(`${vice.url}/docs`);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
  });

  test('SIGTERM ends every process in good order, in the middle of a request too, and a start finds everything again', async () => {
    const image = await ada.uploadedImage(Buffer.from('FROM scratch\n'), { title: 'kept' });
    const listening = fetch(`${vice.url}/v1/events`, { headers: ada.authorization() }).then((answer) => answer.text());
    const codes = await vice.terminate();
    expect(codes).toEqual(codes.map(() => 0));
    await listening;
    await vice.restart();
    expect(await ada.image(image.id)).toMatchObject({ title: 'kept', status: 'ready' });
  }, 90_000);

  test('kill -9 of everything, and a start just works', async () => {
    const image = await ada.uploadedImage(Buffer.from('FROM scratch\n'), { title: 'kept' });
    const processes = new Set(SERVICES.map((service) => vice.process(service)));
    await Promise.all([...processes].map((process) => process.kill('SIGKILL')));
    await vice.restart();
    expect(await ada.image(image.id)).toMatchObject({ title: 'kept', status: 'ready' });
    expect(await ada.uploadedImage(Buffer.from('FROM scratch\n'))).toMatchObject({ digest: image.digest });
  }, 90_000);
});

describe('a wrong configuration', () => {
  const NEEDED: Record<App, string[]> = {
    gateway: ['AMQP_URL', 'VICE_SECRET_KEY'],
    registry: ['AMQP_URL', 'DATABASE_URL', 'VICE_SECRET_KEY'],
    'import-worker': ['AMQP_URL', 'VICE_SECRET_KEY'],
    'export-worker': ['AMQP_URL', 'VICE_SECRET_KEY'],
    'store-worker': ['AMQP_URL', 'VICE_SECRET_KEY'],
    standalone: [],
  };

  test.each(Object.entries(NEEDED) as [App, string[]][])(
    'keeps the %s from starting, and every fault is listed',
    async (app, needed) => {
      await using folder = await tempDir();
      const faulty = {
        VICE_LEASE_SECONDS: 'soon',
        VICE_MAX_IMAGE_BYTES: '-1',
        VICE_EGRESS_DENY: 'everywhere',
        VICE_BLOB_STORE: 'shelf:1',
      };
      const absent = { AMQP_URL: '', DATABASE_URL: '', VICE_SECRET_KEY: '' };
      const process = await startProcess(app, {
        env: { VICE_DATA_DIR: folder.path, ...absent, ...faulty },
        waitUntilReady: false,
      });
      expect(await process.exited).toEqual({ code: 1, signal: null });
      for (const variable of [...Object.keys(faulty), ...needed]) expect(process.logs()).toContain(variable);
    },
  );

  test.each(['gateway/main', 'standalone/main', 'standalone/rotate-key', 'registry/migrate'])(
    'arguments, of which %s knows none, keep it from doing anything, and asked for help it only explains itself',
    async (program) => {
      const run = (argument: string) =>
        promisify(execFile)(process.execPath, [join(projectRoot, `dist/apps/${program}.js`), argument], { timeout: 20_000 });
      await expect(run('--port=9000')).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("'--port=9000'") });
      expect(await run('--help')).toMatchObject({ stderr: '', stdout: expect.stringMatching(/\.md/) });
    },
  );

  test('a broker that cannot be reached is said, without its password, and waited for until the signal to end', async () => {
    await using folder = await tempDir();
    const env = {
      VICE_DATA_DIR: folder.path,
      AMQP_URL: `amqp://nobody:5ecret@127.0.0.1:${await freePort()}`,
      VICE_SECRET_KEY: Buffer.alloc(32).toString('base64'),
    };
    await using process = await startProcess('gateway', { env, waitUntilReady: false });
    const said = () => /ECONNREFUSED|not reach|broker/i.test(process.logs());
    await until(said, { what: 'the gateway says so', timeout: 20_000 });
    expect(await process.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(process.logs()).not.toContain('5ecret');
  }, 60_000);
});
