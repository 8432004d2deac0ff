import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BlobLedger, createBlobStore, type BlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import {
  EnvironmentCalls,
  environmentSecret,
  JobCalls,
  Jobs,
  RemoteCalls,
  type ImportedBlob,
  type JobReport,
  type Json,
  type JobType,
  type SealedEnvironment,
} from '#libs/contracts';
import { inspect } from '#libs/image-formats';
import { CallClient, createBroker, type Broker } from '#libs/messaging';
import { createLogger } from '#libs/observability';
import { SecretBox } from '#libs/secrets';
import {
  busyboxImage,
  describeWith,
  dockerEngine,
  startEngine,
  tempDir,
  until,
  type TempDir,
  type TestEngine,
} from '#libs/testing';
import { MemoryLedger } from '../../../libs/blobs/test/memory-ledger.js';
import { startImportWorker } from '../start.js';

await describeWith([dockerEngine('20')], 'the import worker', () => {
  let temp: TempDir;
  let engine: TestEngine;
  let broker: Broker;
  let worker: { close(): Promise<void> };
  let blobs: BlobStore;
  const secretKey = SecretBox.newKey();
  const ledger = new MemoryLedger();
  const claimable = new Map<string, { action: string; payload: Json }>();
  const reports = new Map<string, JobReport>();
  let environment: SealedEnvironment;

  beforeAll(async () => {
    temp = await tempDir();
    engine = await startEngine('20');
    await busyboxImage(engine, 'own:1');
    const logger = createLogger('test', 'silent');
    const config = { ...loadConfig('standalone', { VICE_DATA_DIR: temp.path }), shutdownMs: 1000 };
    broker = await createBroker({ amqpUrl: null, queuePrefix: 'vice', logger });
    await broker.serve('registry', async (name, body) => answer(name, body as { jobId: string }));
    worker = await startImportWorker({ config, broker, logger, secretKey, listen: false });
    blobs = createBlobStore(config.blobStore, new BlobLedger(ledger.ask));
    environment = environmentAt(engine.location);
  }, 120_000);
  afterAll(async () => {
    await worker?.close();
    await broker?.[Symbol.asyncDispose]();
    await engine?.stop();
    await temp?.remove();
  });

  /** The registry, as far as an import worker asks it. */
  function answer(name: string, request: { jobId: string }): unknown {
    switch (name) {
      case JobCalls.claimJob.name:
        return { ...claimable.get(request.jobId), attempt: 1, leaseMs: 10_000 };
      case JobCalls.heartbeat.name:
        return { stop: null, leaseMs: 10_000 };
      case JobCalls.reportJob.name:
        reports.set(request.jobId, request as unknown as JobReport);
        return {};
      case EnvironmentCalls.openEnvironment.name:
        return environment;
      default:
        return ledger.ask({ service: 'registry', name }, request);
    }
  }

  function environmentAt(location: string, software = 'docker'): SealedEnvironment {
    const id = randomUUID();
    const password = SecretBox.fromKey(secretKey).seal('hush', environmentSecret(id, 'password'));
    return { id, software, location, username: null, password, specifics: {}, secrets: {} };
  }

  async function run<Payload>(job: JobType<Payload, unknown>, payload: Payload): Promise<JobReport> {
    const id = randomUUID();
    claimable.set(id, { action: job.action, payload: payload as Json });
    await broker.publishJob(job.queue, { jobId: id, attempt: 1 });
    return until(() => reports.get(id), { what: 'the job has been reported' });
  }

  const importOf = (reference: string, marker: string = randomUUID()) =>
    run(Jobs.importImage, { imageId: randomUUID(), environment, reference, marker, formerWriters: [] });
  const ask = <Answer>(call: { service: 'import-worker' | 'registry'; name: string; __answer?: Answer }) =>
    new CallClient(broker).ask(call, { userId: randomUUID(), environmentId: environment.id });

  it('brings an image into the blob store, the same each time', async () => {
    const { outcome, progress } = await importOf('own:1');
    if (outcome.kind !== 'succeeded') throw new Error(JSON.stringify(outcome));
    const imported = outcome.result as unknown as ImportedBlob;
    expect(imported).toMatchObject({
      contentType: 'docker-image',
      name: 'own:1',
      metadata: { os: 'linux', repoTags: ['own:1'] },
    });
    expect(progress.bytesDone).toBe(imported.size);
    await using blob = await blobs.open(imported.digest, { holder: `download-${randomUUID()}` });
    const { facts } = await inspect(blob, 'docker-image');
    expect(facts.configDigest).toBe(await engine.imageId('own:1'));
    expect((await importOf('own:1')).outcome).toEqual(outcome);
  });

  it('imports a container by way of a commit, which is gone afterwards', async () => {
    await engine.api('POST', '/containers/create?name=worker', { json: { Image: 'own:1', HostConfig: { NetworkMode: 'none' } } });
    const { outcome, leftTemporaries } = await importOf('container:worker');
    expect(outcome).toMatchObject({ kind: 'succeeded', result: { name: 'worker', contentType: 'docker-image' } });
    expect(leftTemporaries ?? false).toBe(false);
    expect(await engine.tags()).toEqual(['own:1']);
  });

  it('disposes of what an earlier attempt committed', async () => {
    const marker = randomUUID();
    await engine.api('POST', `/commit?container=worker&repo=vice-import&tag=${marker}`, { json: {} });
    expect((await run(Jobs.disposeTemporaries, { environment, marker })).outcome).toEqual({ kind: 'succeeded', result: {} });
    expect(await engine.tags()).toEqual(['own:1']);
  });

  it.each([
    ['nothing:1', /nothing:1/],
    ['container:nothing', /container "nothing"/],
  ])('says that there is no %s', async (reference, message) => {
    const { outcome } = await importOf(reference);
    expect(outcome).toMatchObject({
      kind: 'failed',
      code: 'REMOTE_IMAGE_NOT_FOUND',
      transient: false,
      message: expect.stringMatching(message),
    });
  });

  it('answers what users ask about their environments', async () => {
    expect(await ask(RemoteCalls.checkEnvironment)).toMatchObject({
      ok: true,
      message: expect.stringContaining('Docker Engine 20.10'),
    });
    const { images, next } = await ask(RemoteCalls.listRemoteImages);
    expect(images.map(({ reference }) => reference)).toEqual(['own:1', 'container:worker']);
    expect(next).toBeNull();
  });

  it('calls an environment that does not answer, or that nobody can speak to, an answer too', async () => {
    const there = environment;
    try {
      environment = environmentAt('unix:///nonexistent.sock');
      expect(await ask(RemoteCalls.checkEnvironment)).toEqual({
        ok: false,
        message: expect.stringContaining('/nonexistent.sock'),
      });
      await expect(ask(RemoteCalls.listRemoteImages)).rejects.toMatchObject({ code: 'ENVIRONMENT_UNREACHABLE' });
      environment = environmentAt('https://vsphere', 'vSphere');
      expect(await ask(RemoteCalls.checkEnvironment)).toEqual({ ok: false, message: expect.stringContaining('"vSphere"') });
    } finally {
      environment = there;
    }
  });
});
