import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { BlobLedger, createBlobStore, type BlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import {
  BlobCalls,
  JobCalls,
  Jobs,
  ToolCalls,
  type Digest,
  type JobReport,
  type Json,
  type JobType,
  type WorkerToolsets,
} from '#libs/contracts';
import { availableToolsets } from '#libs/image-formats';
import { createBroker, type Broker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { freePort, tempDir, until, type TempDir } from '#libs/testing';
import { MemoryLedger } from '../../../libs/blobs/test/memory-ledger.js';
import { startStoreWorker } from '../start.js';
import { toolFaults } from '../tools-check.js';

jest.setTimeout(30_000);

const MiB = 1 << 20;

describe('the store worker', () => {
  let temp: TempDir;
  let broker: Broker;
  let worker: { close(): Promise<void> };
  let port: number;
  let store: BlobStore;
  let registry: Registry;

  beforeEach(async () => {
    temp = await tempDir();
    port = await freePort();
    const logger = createLogger('test', 'silent');
    const config = {
      ...loadConfig('standalone', { VICE_DATA_DIR: temp.path, HOST: '127.0.0.1', PORT: String(port) }),
      shutdownMs: 1_000,
    };
    broker = await createBroker({ amqpUrl: null, queuePrefix: 'vice', logger });
    registry = new Registry();
    await broker.serve('registry', async (name, body) => registry.answer(name, body));
    worker = await startStoreWorker({ config, broker, logger, metrics: new Metrics('test'), listen: true });
    store = createBlobStore(config.blobStore, new BlobLedger(registry.ledger.ask));
  });
  afterEach(async () => {
    await worker.close();
    await broker[Symbol.asyncDispose]();
    await temp.remove();
  });

  async function put(bytes: Buffer): Promise<Digest> {
    await using staged = await store.stage({ writer: `upload-${randomUUID()}` });
    staged.end(bytes);
    return (await staged.commit()).digest;
  }

  async function run<Payload>(job: JobType<Payload, unknown>, payload: Payload): Promise<JobReport> {
    const id = randomUUID();
    registry.jobs.set(id, { action: job.action, payload: payload as Json });
    await broker.publishJob(job.queue, { jobId: id, attempt: 1 });
    return await until(() => registry.reports.get(id), { what: 'the job has been reported' });
  }

  test('finds out what came in, and tells how far it has read', async () => {
    const bytes = Buffer.concat([Buffer.from('FROM scratch\n'), Buffer.alloc(20_000, 'COPY . /\n')]);
    const digest = await put(bytes);
    const report = await run(Jobs.inspectBlob, { digest, size: bytes.length, contentType: null });
    expect(report.outcome).toMatchObject({ kind: 'succeeded', result: { contentType: 'docker-file' } });
    expect(report.progress).toMatchObject({ bytesDone: bytes.length, bytesTotal: bytes.length });
    expect([...registry.ledger.pins.values()]).toEqual([new Set([digest])]); // until the registry ends the job
  });

  test('refuses what is not what it is said to be, in words for the user', async () => {
    const bytes = randomBytes(3 * MiB);
    const digest = await put(bytes);
    const report = await run(Jobs.inspectBlob, { digest, size: bytes.length, contentType: 'disk-qcow2' });
    expect(report.outcome).toMatchObject({
      kind: 'failed',
      code: 'CONTENT_INVALID',
      transient: false,
      message: expect.stringContaining('disk-qcow2'),
    });
  });

  test('says when the bytes are missing, or not all there', async () => {
    const digest = await put(Buffer.from('some bytes'));
    const short = await run(Jobs.inspectBlob, { digest, size: 11, contentType: 'disk-raw' });
    expect(short.outcome).toMatchObject({
      kind: 'failed',
      code: 'BLOB_NOT_FOUND',
      message: expect.stringContaining('10 of the 11'),
    });
    await store.removeBytes(digest);
    const gone = await run(Jobs.inspectBlob, { digest, size: 10, contentType: 'disk-raw' });
    expect(gone.outcome).toMatchObject({ kind: 'failed', code: 'BLOB_NOT_FOUND' });
  });

  test('collects what nobody needs, and nothing else', async () => {
    const [kept, garbage] = [await put(Buffer.from('kept')), await put(Buffer.from('garbage'))];
    const [live, ended] = [`upload-${randomUUID()}`, `${randomUUID()}.1`];
    for (const writer of [live, ended]) await (await store.stage({ writer })).keep();
    registry.garbage = [garbage];
    registry.ended = [ended];
    const report = await run(Jobs.collectGarbage, {});
    expect(report.outcome).toEqual({ kind: 'succeeded', result: { blobs: 1, stagedWriters: 1 } });
    expect(registry.forgotten).toEqual([garbage]);
    expect(await store.stagedWriters()).toEqual([live]);
    await using blob = await store.open(kept, { holder: `download-${randomUUID()}` });
    expect((await blob.read(0, 10)).toString()).toBe('kept');
    await expect(store.open(garbage, { holder: `download-${randomUUID()}` })).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
  });

  test('tells at its start what it can convert with', async () => {
    await until(() => registry.tools.length > 0, { what: 'it has told' });
    const found = await availableToolsets();
    const complete = found.filter(({ missing }) => missing.length === 0).map(({ toolset }) => toolset);
    expect(registry.tools[0]).toMatchObject({ worker: expect.stringContaining(`/${process.pid}/`), toolsets: complete });
  });

  test('is ready, and names what conversions lack, without the tools for them', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    const { status, parts } = (await response.json()) as { status: string; parts: Record<string, unknown> };
    expect([response.status, status]).toEqual([200, 'up']);
    const [fault] = await toolFaults();
    expect(parts['tools']).toMatchObject(
      fault === undefined ? { status: 'up' } : { status: 'degraded', reason: expect.stringContaining(fault) },
    );
  });

  test('is live, and ready while it reaches the broker and the blob store', async () => {
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.1:${port}/health/ready`)).status).toBe(200);
    await temp.remove();
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ parts: { broker: { status: 'up' }, blobStore: { status: 'down' } } });
  });
});

/** The registry's answers to a store worker, from what the test has laid out. */
class Registry {
  readonly ledger = new MemoryLedger();
  readonly jobs = new Map<string, { action: string; payload: Json }>();
  readonly reports = new Map<string, JobReport>();
  readonly tools: WorkerToolsets[] = [];
  garbage: Digest[] = [];
  ended: string[] = [];
  forgotten: Digest[] = [];

  answer(name: string, body: unknown): unknown {
    const request = body as { jobId: string; writers: string[]; digests: Digest[] };
    switch (name) {
      case JobCalls.claimJob.name:
        return { ...this.jobs.get(request.jobId), attempt: 1, leaseMs: 10_000 };
      case JobCalls.heartbeat.name:
        return { stop: null, leaseMs: 10_000 };
      case JobCalls.reportJob.name:
        this.reports.set(request.jobId, body as JobReport);
        return {};
      case ToolCalls.toolsetsOf.name:
        this.tools.push(body as WorkerToolsets);
        return {};
      case BlobCalls.condemnBlobs.name:
        for (const digest of this.garbage) this.ledger.blobs.set(digest, 'deleting');
        return { digests: this.garbage.splice(0) };
      case BlobCalls.forgetBlobs.name:
        this.forgotten.push(...request.digests);
        return {};
      case BlobCalls.endedWriters.name:
        return { ended: request.writers.filter((writer) => this.ended.includes(writer)) };
      default:
        return this.ledger.ask({ service: 'registry', name }, body);
    }
  }
}
