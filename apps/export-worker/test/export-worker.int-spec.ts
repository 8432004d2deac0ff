import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { BlobLedger, createBlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import {
  JobCalls,
  Jobs,
  type DeployedImage,
  type DeployImagePayload,
  type JobReport,
  type Json,
  type JobType,
  type SealedEnvironment,
} from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { createBroker, type Broker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
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
import { startExportWorker } from '../start.js';

await describeWith([dockerEngine('20')], 'the export worker', () => {
  let temp: TempDir;
  let engine: TestEngine;
  let broker: Broker;
  let worker: { close(): Promise<void> };
  let payload: DeployImagePayload;
  const ledger = new MemoryLedger();
  const claimable = new Map<string, { action: string; payload: Json }>();
  const reports = new Map<string, JobReport>();
  let noted: string[] = [];
  let refusal: ViceError | null = null;

  beforeAll(async () => {
    temp = await tempDir();
    engine = await startEngine('20');
    await busyboxImage(engine, 'base:1');
    const logger = createLogger('test', 'silent');
    const config = { ...loadConfig('standalone', { VICE_DATA_DIR: temp.path }), shutdownMs: 1000 };
    broker = await createBroker({ amqpUrl: null, queuePrefix: 'vice', logger });
    await broker.serve('registry', async (name, body) => answer(name, body as { jobId: string; reference: string }));
    worker = await startExportWorker({
      config,
      broker,
      logger,
      metrics: new Metrics('test'),
      secretKey: SecretBox.newKey(),
      listen: false,
    });

    const bytes = Buffer.from('FROM base:1\nLABEL made=here\n');
    const blobs = createBlobStore(config.blobStore, new BlobLedger(ledger.ask));
    await using staged = await blobs.stage({ writer: `upload-${randomUUID()}` });
    staged.end(bytes);
    const { digest, size } = await staged.commit();
    expect(digest).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    const environment: SealedEnvironment = {
      id: randomUUID(),
      software: 'docker',
      location: engine.location,
      username: null,
      password: null,
      specifics: {},
      secrets: {},
    };
    const marker = randomUUID();
    const common = {
      deploymentId: marker,
      environment,
      marker,
      title: 'My image',
      specifics: { tag: 'mine:2' },
      reference: null,
    };
    payload = { ...common, digest, size, contentType: 'docker-file', facts: null, imageSpecifics: {} };
  }, 120_000);
  afterAll(async () => {
    await worker?.close();
    await broker?.[Symbol.asyncDispose]();
    await engine?.stop();
    await temp?.remove();
  });

  /** The registry, as far as an export worker asks it. */
  function answer(name: string, request: { jobId: string; reference: string }): unknown {
    switch (name) {
      case JobCalls.claimJob.name:
        return { ...claimable.get(request.jobId), attempt: 1, leaseMs: 10_000 };
      case JobCalls.heartbeat.name:
        return { stop: null, leaseMs: 10_000 };
      case JobCalls.reportJob.name:
        reports.set(request.jobId, request as unknown as JobReport);
        return {};
      case JobCalls.noteReference.name:
        if (refusal) throw refusal;
        noted.push(request.reference);
        return {};
      default:
        return ledger.ask({ service: 'registry', name }, request);
    }
  }

  async function run<Payload>(job: JobType<Payload, unknown>, withPayload: Payload): Promise<JobReport> {
    const id = randomUUID();
    claimable.set(id, { action: job.action, payload: withPayload as Json });
    await broker.publishJob(job.queue, { jobId: id, attempt: 1 });
    return until(() => reports.get(id), { what: 'the job has been reported' });
  }

  const tagOfOurs = () => `my-image:vice-${payload.marker.replaceAll('-', '').slice(0, 12)}`;

  it('deploys, and reports reference, receipt, log and progress', async () => {
    const { outcome, progress, log } = await run(Jobs.deployImage, payload);
    if (outcome.kind !== 'succeeded') throw new Error(JSON.stringify(outcome));
    const { reference, receipt } = outcome.result as unknown as DeployedImage;
    expect(reference).toBe(await engine.imageId('mine:2'));
    expect(receipt).toMatchObject({ imageId: reference, tags: expect.arrayContaining(['mine:2', tagOfOurs()]) });
    expect(noted).toEqual([tagOfOurs()]);
    expect(log).toContain('LABEL made=here');
    expect(progress).toMatchObject({ bytesDone: payload.size, bytesTotal: payload.size });
  });

  it('finds what a former attempt made, and takes it down again', async () => {
    const reference = await engine.imageId('mine:2');
    expect((await run(Jobs.deployImage, payload)).outcome).toMatchObject({ kind: 'succeeded', result: { reference } });
    const { deploymentId, environment, marker, title, specifics } = payload;
    const removal = { deploymentId, environment, marker, title, specifics, reference };
    expect((await run(Jobs.removeDeployment, removal)).outcome).toEqual({ kind: 'succeeded', result: {} });
    expect((await run(Jobs.removeDeployment, removal)).outcome).toEqual({ kind: 'succeeded', result: {} });
    expect(await engine.tags()).toEqual(['base:1']);
  });

  it('makes nothing when the registry refuses the reference', async () => {
    refusal = new ViceError('JOB_CANCELLED', 'the job was cancelled');
    noted = [];
    const { outcome } = await run(Jobs.deployImage, payload);
    refusal = null;
    expect(outcome.kind).not.toBe('succeeded');
    expect(await engine.tags()).toEqual(['base:1']);
  });

  it('says what is wrong in words for the user', async () => {
    const missing = { ...payload, digest: `sha256:${'0'.repeat(64)}` };
    expect((await run(Jobs.deployImage, missing)).outcome).toMatchObject({ kind: 'failed', code: 'BLOB_NOT_FOUND' });
    const elsewhere = { ...payload, environment: { ...payload.environment, location: null } };
    expect((await run(Jobs.deployImage, elsewhere)).outcome).toMatchObject({
      kind: 'failed',
      code: 'ENVIRONMENT_MISCONFIGURED',
      transient: false,
      message: expect.stringContaining('credentials.location'),
    });
  });
});
