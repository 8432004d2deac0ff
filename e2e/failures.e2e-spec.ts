import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Image, type Job } from '#libs/contracts';
import {
  bigImage,
  busyboxImage,
  dockerEngine,
  freePort,
  shortTempPath,
  startEngine,
  tool,
  until,
  type TestEngine,
} from '#libs/testing';
import { expectStatus, isUnderWay, type ViceClient } from './client.js';
import { contentsOf } from './engine-contents.js';
import { lineTo, type HeldLine } from './held-line.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const MIB = 1024 * 1024;
const BIG = 48 * MIB;
/** Where a transfer of the big image is stopped. */
const MIDDLE = 16 * MIB;

const waitsForRetry = (code: string) => (job: Job) => job.error?.code === code && job.endedAt === null;

await inBothWays('what goes wrong', [dockerEngine('20'), tool('mount')], (way) => {
  let vice: Vice;
  let ada: ViceClient;
  let engine: TestEngine;
  let line: HeldLine;
  let port: number;
  let environment: string;

  beforeAll(async () => {
    port = await freePort();
    [engine, vice] = await Promise.all([
      startEngine('20', [`tcp://127.0.0.1:${port}`]),
      startVice(way, { env: { VICE_UNIX_SOCKETS: '/tmp/v*/docker.sock,/nowhere/*' } }),
    ]);
    await busyboxImage(engine, 'small:1');
    await bigImage(engine, 'big:1', BIG);
    ada = await vice.newUser();
    line = await lineTo(engine.socket);
    environment = (await ada.dockerEnvironment(line.location)).id;
  }, 120_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([line, engine].map((part) => part?.[Symbol.asyncDispose]()));
  }, 60_000);

  describe('for good: the job fails at once and says why, and the image with it', () => {
    test.each<[what: string, location: () => string, reference: string, code: string, message: RegExp]>([
      ['an image that is not there', () => engine.location, 'no/such:image', 'REMOTE_IMAGE_NOT_FOUND', /no\/such:image/],
      ['a container that is not there', () => engine.location, 'container:nobody', 'REMOTE_IMAGE_NOT_FOUND', /nobody/],
      [
        'a socket that is not allowed',
        () => 'unix:///var/run/docker.sock',
        'small:1',
        'LOCATION_DENIED',
        /\/var\/run\/docker\.sock/,
      ],
      [
        'a way round the allowed sockets',
        () => 'unix:///tmp/v1/../../run/docker.sock',
        'small:1',
        'LOCATION_DENIED',
        /docker\.sock/,
      ],
      ['a cloud’s metadata address', () => 'http://169.254.169.254', 'small:1', 'LOCATION_DENIED', /169\.254\.169\.254/],
      ['an engine that does not speak TLS', () => `https://127.0.0.1:${port}`, 'small:1', 'ENVIRONMENT_MISCONFIGURED', /TLS/],
      ['a location of another kind', () => 'gopher://engine', 'small:1', 'ENVIRONMENT_MISCONFIGURED', /gopher/],
    ])('%s', async (_, location, reference, code, message) => {
      const { id } = await ada.dockerEnvironment(location());
      const image = await ada.settledImage((await ada.import(id, reference)).id);
      expect(image).toMatchObject({ status: 'failed', imported: false, digest: null });
      expect(await importsOf(image)).toEqual([
        expect.objectContaining({ state: 'failed', attempt: 1, error: { code, message: expect.stringMatching(message) } }),
      ]);
    });

    test('software that there is no provider for', async () => {
      const { id } = await ada.createEnvironment({
        managementlayer: { software: 'abacus' },
        credentials: { location: 'tcp://x' },
      });
      const image = await ada.settledImage((await ada.import(id, 'x')).id);
      expect((await ada.imageJobs(image.id))[0]).toMatchObject({
        state: 'failed',
        error: { code: 'NO_PROVIDER', message: expect.stringContaining('abacus') },
      });
      expect(expectStatus(200, await ada.post(`/environment/${id}/check`))).toMatchObject({
        ok: false,
        message: expect.stringContaining('abacus'),
      });
    });
  });

  describe('perhaps only now: the job says why and is tried again, until it is cancelled', () => {
    test.each<[what: string, location: () => Promise<string>]>([
      ['a socket without an engine', async () => 'unix:///nowhere/docker.sock'],
      ['a port without an engine', async () => `tcp://127.0.0.1:${await freePort()}`],
    ])(
      '%s',
      async (_, location) => {
        const { id } = await ada.dockerEnvironment(await location());
        expect(expectStatus(200, await ada.post(`/environment/${id}/check`))).toMatchObject({
          ok: false,
          message: expect.stringMatching(/\w+/),
        });
        const image = await ada.import(id, 'small:1');
        const job = await ada.job(
          `/image/${image.id}`,
          ({ attempt, error, state }) => attempt >= 2 && error !== null && state === 'queued',
          'a second attempt has failed',
        );
        expect(job.error).toEqual({ code: 'ENVIRONMENT_UNREACHABLE', message: expect.stringMatching(/\w+/) });
        expect(await ada.image(image.id)).toMatchObject({ status: 'importing', imported: false });
        expectStatus(200, await ada.delete(`/image/${image.id}`));
        expectStatus(200, await ada.delete(`/environment/${id}`));
      },
      30_000,
    );
  });

  test('an engine that vanishes in the middle of an import: tried again, and well once it is back', async () => {
    const id = await importHeldInTheMiddle();
    await engine.kill();
    line.letGo();
    await ada.job(`/image/${id}`, waitsForRetry('ENVIRONMENT_UNREACHABLE'), 'the job says that the engine is gone');
    await engine.start();
    await arrives(id);
  }, 120_000);

  test('an engine that vanishes in the middle of a deployment: tried again, and nothing is left there once it is deleted', async () => {
    const image = await arrives((await ada.import(environment, 'big:1')).id);
    const before = await contentsOf(engine);
    const id = await deploymentHeldInTheMiddle(image.id);
    await engine.kill();
    line.letGo();
    await ada.job(`/deployment/${id}`, (job) => job.error !== null, 'the job says that the engine is gone');
    await engine.start();
    expect(await ada.settledDeployment(id)).toMatchObject({ status: 'deployed' });
    await ada.undeploy(id);
    expect(await contentsOf(engine)).toEqual(before);
  }, 120_000);

  test('a deployment that is deleted in the middle leaves nothing', async () => {
    const image = await arrives((await ada.import(environment, 'big:1')).id);
    const before = await contentsOf(engine);
    const id = await deploymentHeldInTheMiddle(image.id);
    expectStatus(200, await ada.delete(`/deployment/${id}`));
    line.letGo();
    await ada.undeployed(id);
    expect(await contentsOf(engine)).toEqual(before);
  }, 120_000);

  test('a service that is killed in the middle of an import does not disturb it for long', async () => {
    const services = way === 'standalone' ? (['registry'] as const) : (['registry', 'gateway', 'store-worker'] as const);
    for (const service of services) {
      const id = await importHeldInTheMiddle();
      await vice.crash(service);
      line.letGo();
      await arrives(id);
    }
  }, 180_000);

  test('an image that is deleted in the middle of its import leaves nothing, and nothing else has', async () => {
    const id = await importHeldInTheMiddle();
    expectStatus(200, await ada.delete(`/image/${id}`));
    line.letGo();
    const staged = () => readdir(join(vice.blobs, 'staging'));
    await until(async () => (await staged()).length === 0, { what: 'nothing is staged any more', timeout: 30_000 });
  });

  async function importHeldInTheMiddle(): Promise<string> {
    line.holdAfter(MIDDLE);
    const { id } = await ada.import(environment, 'big:1');
    await ada.job(`/image/${id}`, isUnderWay, 'bytes of the import have come');
    return id;
  }

  async function deploymentHeldInTheMiddle(imageId: string): Promise<string> {
    line.holdAfter(MIDDLE);
    const { id } = await ada.deploy(imageId, environment);
    await ada.job(`/deployment/${id}`, isUnderWay, 'bytes of the deployment have gone');
    return id;
  }

  async function importsOf({ id }: Image): Promise<Job[]> {
    return (await ada.imageJobs(id)).filter(({ action }) => action === 'import');
  }

  async function arrives(imageId: string): Promise<Image> {
    const image = await ada.settledImage(imageId);
    expect({ ...image, jobs: await ada.imageJobs(imageId) }).toMatchObject({ status: 'ready', contenttype: 'docker-image' });
    return image;
  }
});

await inBothWays('a blob store that is full', [dockerEngine('20'), tool('mount')], (way) => {
  const blobs = shortTempPath();
  const run = promisify(execFile);
  let vice: Vice;
  let ada: ViceClient;
  let engine: TestEngine;

  beforeAll(async () => {
    await mkdir(blobs);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'vice-e2e', blobs]);
    [engine, vice] = await Promise.all([startEngine('20'), startVice(way, { env: { VICE_BLOB_STORE: `file:${blobs}` } })]);
    await bigImage(engine, 'big:1', 64 * MIB);
    ada = await vice.newUser();
  }, 120_000);
  afterAll(async () => {
    await Promise.all([vice, engine].map((part) => part?.[Symbol.asyncDispose]()));
    await run('umount', [blobs]);
    await run('rmdir', [blobs]);
  }, 60_000);

  test('refuses an upload, and an import waits for room and then comes in', async () => {
    const { id } = await ada.createImage();
    const refused = await ada.upload(id, randomBytes(64 * MIB));
    expect(refused).toMatchObject({ status: 507, body: { code: 'STORAGE_FULL' } });
    const environment = await ada.dockerEnvironment(engine.location);
    const image = await ada.import(environment.id, 'big:1');
    await ada.job(`/image/${image.id}`, waitsForRetry('STORAGE_FULL'), 'the import waits for room');
    await ada.uploadedImage(randomBytes(MIB));
    await run('mount', ['-o', 'remount,size=256m', blobs]);
    expect(await ada.settledImage(image.id)).toMatchObject({ status: 'ready' });
  }, 120_000);
});
