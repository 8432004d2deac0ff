import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { BlobLedger, createBlobStore, sweepStaging, type BlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import {
  BlobCalls,
  JobCalls,
  Jobs,
  type ContentType,
  type ConvertBlobPayload,
  type Digest,
  type JobReport,
} from '#libs/contracts';
import { createBroker, type Broker } from '#libs/messaging';
import { createLogger, Metrics } from '#libs/observability';
import { describeWith, projectRoot, tempDir, tool, until, type TempDir } from '#libs/testing';
import { MemoryLedger } from '../../../libs/blobs/test/memory-ledger.js';
import { startStoreWorker } from '../start.js';

jest.setTimeout(120_000);

const run = promisify(execFile);
const MiB = 1 << 20;

await describeWith([tool('qemu-img')], 'a conversion', () => {
  let temp: TempDir;
  let broker: Broker;
  let worker: { close(): Promise<void> };
  let store: BlobStore;
  let registry: Registry;
  let staging: string;

  beforeEach(async () => {
    temp = await tempDir();
    const logger = createLogger('test', 'silent');
    const config = { ...loadConfig('standalone', { VICE_DATA_DIR: temp.path }), shutdownMs: 0, maxImageBytes: 256 * MiB };
    broker = await createBroker({ amqpUrl: null, queuePrefix: 'vice', logger });
    registry = new Registry();
    await broker.serve('registry', async (name, body) => registry.answer(name, body));
    worker = await startStoreWorker({ config, broker, logger, metrics: new Metrics('test'), listen: false });
    store = createBlobStore(config.blobStore, new BlobLedger(registry.ledger.ask));
    staging = join(config.dataDir, 'blobs', 'staging');
  });
  afterEach(async () => {
    await worker.close();
    await broker[Symbol.asyncDispose]();
    await temp.remove();
  });

  async function put(bytes: Buffer, contentType: ContentType = 'disk-raw'): Promise<ConvertBlobPayload['source']> {
    await using staged = await store.stage({ writer: `upload-${randomUUID()}` });
    staged.end(bytes);
    return { ...(await staged.commit()), contentType, contentDigest: null };
  }

  const begin = async (payload: ConvertBlobPayload): Promise<string> => {
    const jobId = randomUUID();
    registry.jobs.set(jobId, payload);
    await broker.publishJob('convert', { jobId, attempt: 1 });
    return jobId;
  };
  const reported = (jobId: string) =>
    until(() => registry.reports.get(jobId), { what: 'the job has been reported', timeout: 60_000 });

  const toQcow2 = (source: ConvertBlobPayload['source']): ConvertBlobPayload => ({
    ...{ source, recipe: 'disk-raw-to-disk-qcow2/1', to: 'disk-qcow2', subformat: null },
  });
  /** Takes seconds, for it is compressed. */
  const slowly = (source: ConvertBlobPayload['source']): ConvertBlobPayload => ({
    ...{ source, recipe: 'disk-raw-to-disk-vmdk-streamOptimized/1', to: 'disk-vmdk', subformat: 'streamOptimized' },
  });

  test('makes a variant, tells how far it is, and says by what', async () => {
    const bytes = Buffer.concat([randomBytes(3 * MiB), Buffer.alloc(5 * MiB)]);
    const jobId = await begin(toQcow2(await put(bytes)));
    const { outcome, progress } = await reported(jobId);
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      result: {
        contentType: 'disk-qcow2',
        facts: { virtualSize: bytes.length },
        contentDigest: expect.stringMatching(/^disk-sha256-4m:[0-9a-f]{64}$/),
        tool: expect.stringMatching(/^qemu-img \d/),
        arguments: expect.arrayContaining(['convert', '-f', 'raw', '-O', 'qcow2']),
      },
    });
    expect(progress).toMatchObject({ bytesDone: bytes.length, bytesTotal: bytes.length });
    const { digest, size } = (outcome as unknown as { result: { digest: Digest; size: number } }).result;
    await using blob = await store.open(digest, { holder: `download-${randomUUID()}` });
    expect(blob.size).toBe(size);
    const back = join(temp.path, 'back');
    await run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', await blob.file(), back]);
    expect((await readFile(back)).equals(bytes)).toBe(true);
    expect(registry.ledger.pins.get(`${jobId}.1`)).toContain(digest); // until the registry ends the job
    expect(await readdir(staging)).toEqual([]);
  });

  test('leaves nothing behind where it fails', async () => {
    const hostile = join(temp.path, 'hostile');
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', '/etc/passwd', '-F', 'raw', hostile, '1M']);
    const source = await put(await readFile(hostile), 'disk-qcow2');
    const jobId = await begin({ source, recipe: 'disk-qcow2-to-disk-raw/1', to: 'disk-raw', subformat: null });
    expect((await reported(jobId)).outcome).toMatchObject({ kind: 'failed', code: 'CONTENT_REFUSED', transient: false });
    expect(await readdir(staging)).toEqual([]);
    expect([...registry.ledger.reserved]).toEqual([]);
  });

  test('does not begin without space for it', async () => {
    const source = await put(randomBytes(MiB));
    registry.ledger.capacity = MiB;
    const { outcome } = await reported(await begin(toQcow2(source)));
    expect(outcome).toMatchObject({ kind: 'failed', code: 'STORAGE_FULL', transient: true });
    expect(await readdir(staging)).toEqual([]);
  });

  test('ends at once when its job is cancelled, and leaves nothing behind', async () => {
    const jobId = await begin(slowly(await put(randomBytes(160 * MiB))));
    await until(async () => (await processesIn(join(staging, `${jobId}.1`))).length > 0, { what: 'a tool is at work' });
    registry.cancelled.add(jobId);
    await until(async () => (await readdir(staging)).length === 0, { what: 'the workspace is gone', timeout: 30_000 });
    expect(await processesIn(join(staging, `${jobId}.1`))).toEqual([]);
    expect(registry.reports.get(jobId)?.outcome.kind).not.toBe('succeeded');
  });

  test('whose worker is killed loses nothing: what was left goes with the sweep, or with the next attempt', async () => {
    const source = await put(randomBytes(160 * MiB));
    const [swept, tried] = [randomUUID(), randomUUID()];
    for (const jobId of [swept, tried]) await killInTheMiddle(jobId, slowly(source));
    expect((await store.stagedWriters()).sort()).toEqual([`${swept}.1`, `${tried}.1`].sort());

    registry.jobs.set(tried, toQcow2(source));
    registry.attempts.set(tried, 2);
    await broker.publishJob('convert', { jobId: tried, attempt: 2 });
    expect((await reported(tried)).outcome).toMatchObject({ kind: 'succeeded' });
    expect(await store.stagedWriters()).toEqual([`${swept}.1`]);

    await sweepStaging(store, new BlobLedger(async (call, body) => registry.answer(call.name, body) as never), {
      throwIfStopped() {},
    });
    expect(await readdir(staging)).toEqual([]);
  });

  async function killInTheMiddle(jobId: string, payload: ConvertBlobPayload): Promise<void> {
    const script = join(projectRoot, 'apps/store-worker/test/convert-until-killed.mjs');
    const child = spawn(process.execPath, [script, temp.path, jobId, JSON.stringify(payload)], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(child, 'exit');
    const workspace = join(staging, `${jobId}.1`);
    await until(async () => (await processesIn(workspace)).length > 0, { what: 'a tool is at work', timeout: 60_000 });
    child.kill('SIGKILL');
    await exited;
    await until(async () => (await processesIn(workspace)).length === 0, { what: 'no tool is left' });
    await writeFile(join(workspace, 'left over'), 'bytes');
  }
});

/** Ids of processes that work in the folder. */
async function processesIn(path: string): Promise<string[]> {
  const { stdout } = await run('sh', ['-c', 'for p in /proc/[0-9]*; do echo "$p $(readlink $p/cwd)"; done']);
  return stdout.split('\n').filter((line) => line.endsWith(` ${path}`));
}

/** The registry's answers to a store worker that converts. */
class Registry {
  readonly ledger = new MemoryLedger();
  readonly jobs = new Map<string, ConvertBlobPayload>();
  readonly attempts = new Map<string, number>();
  readonly reports = new Map<string, JobReport>();
  readonly cancelled = new Set<string>();

  answer(name: string, body: unknown): unknown {
    const request = body as { jobId: string; writers: string[] };
    switch (name) {
      case JobCalls.claimJob.name:
        return {
          ...{ action: Jobs.convertBlob.action, payload: this.jobs.get(request.jobId) },
          ...{ attempt: this.attempts.get(request.jobId) ?? 1, leaseMs: 3_000 },
        };
      case JobCalls.heartbeat.name:
        return { stop: this.cancelled.has(request.jobId) ? 'cancelled' : null, leaseMs: 3_000 };
      case JobCalls.reportJob.name:
        this.reports.set(request.jobId, body as JobReport);
        return {};
      case BlobCalls.endedWriters.name:
        return { ended: request.writers };
      default:
        return this.ledger.ask({ service: 'registry', name }, body);
    }
  }
}
