import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Jobs, RemoteCalls, type ImportedBlob } from '#libs/contracts';
import { inspect } from '#libs/image-formats';
import { CallClient } from '#libs/messaging';
import { busyboxImage, describeWith, dockerEngine, startEngine, type TestEngine } from '#libs/testing';
import { testImportWorker, type TestImportWorker } from './test-import-worker.js';

await describeWith([dockerEngine('20')], 'the import worker', () => {
  let engine: TestEngine;
  let worker: TestImportWorker;

  beforeAll(async () => {
    engine = await startEngine('20');
    await busyboxImage(engine, 'own:1');
    worker = await testImportWorker();
    worker.environment = worker.sealed({ software: 'docker', location: engine.location });
  }, 120_000);
  afterAll(async () => {
    await worker?.[Symbol.asyncDispose]();
    await engine?.stop();
  });

  const environment = () => worker.environment!;
  const importOf = (reference: string, marker: string = randomUUID()) =>
    worker.run(Jobs.importImage, { imageId: randomUUID(), environment: environment(), reference, marker, formerWriters: [] });
  const ask = <Answer>(call: { service: 'import-worker' | 'registry'; name: string; __answer?: Answer }) =>
    new CallClient(worker.broker).ask(call, { userId: randomUUID(), environmentId: environment().id });

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
    await using blob = await worker.blobs.open(imported.digest, { holder: `download-${randomUUID()}` });
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
    expect((await worker.run(Jobs.disposeTemporaries, { environment: environment(), marker })).outcome).toEqual({
      kind: 'succeeded',
      result: {},
    });
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
    const there = environment();
    try {
      worker.environment = worker.sealed({ software: 'docker', location: 'unix:///nonexistent.sock' });
      expect(await ask(RemoteCalls.checkEnvironment)).toEqual({
        ok: false,
        message: expect.stringContaining('/nonexistent.sock'),
      });
      await expect(ask(RemoteCalls.listRemoteImages)).rejects.toMatchObject({ code: 'ENVIRONMENT_UNREACHABLE' });
      worker.environment = worker.sealed({ software: 'vSphere', location: 'https://vsphere' });
      expect(await ask(RemoteCalls.checkEnvironment)).toEqual({ ok: false, message: expect.stringContaining('"vSphere"') });
    } finally {
      worker.environment = there;
    }
  });
});
