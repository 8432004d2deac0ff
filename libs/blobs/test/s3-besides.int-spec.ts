import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type S3StoreConfig } from '#libs/config';
import { ViceError } from '#libs/errors';
import {
  describeWith,
  objectStore,
  projectRoot,
  startObjectStore,
  tempDir,
  until,
  type TempDir,
  type TestObjectStore,
} from '#libs/testing';
import { BlobLedger, createBlobStore, isBounded, redirects } from '../index.js';
import { Bucket } from '../s3/bucket.js';
import { S3BlobStore } from '../s3/s3-blob-store.js';
import { s3Client } from '../s3/s3-client.js';
import { S3Layout } from '../s3/s3-layout.js';
import { PART_BYTES } from '../s3/segment-plan.js';
import { digestOf, uploadWriter } from './blob-store.suite.js';
import { bucketOf } from './bucket-of.js';
import { MemoryLedger } from './memory-ledger.js';

const MiB = 1 << 20;
/** One segment of one part, then some of three each. */
const PLAN = [
  { until: 1, bytes: PART_BYTES },
  { until: 100, bytes: 3 * PART_BYTES },
];

jest.setTimeout(120_000);

await describeWith([objectStore()], 'blobs in S3, besides', () => {
  let server: TestObjectStore;
  let temp: TempDir;
  let ledger: MemoryLedger;
  let config: S3StoreConfig;
  let bucket: Bucket;
  let store: S3BlobStore;

  beforeAll(async () => {
    server = await startObjectStore();
    await server.makeBucket('blobs');
    await server.makeBucket('small', 4 * MiB);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    temp = await tempDir();
    ledger = new MemoryLedger();
    config = bucketOf(server, join(temp.path, 'scratch'));
    bucket = new Bucket(s3Client(config), config.bucket);
    store = new S3BlobStore(config, new BlobLedger(ledger.ask), PLAN);
  });
  afterEach(() => temp.remove());

  const jobWriter = () => `${randomUUID()}.1`;

  async function put(bytes: Buffer, into: S3BlobStore = store) {
    await using staged = await into.stage({ writer: uploadWriter() });
    await pipeline(Readable.from([bytes]), staged);
    return await staged.commit();
  }

  async function keys(): Promise<string[]> {
    return (await bucket.list(config.prefix)).map(({ key }) => key.slice(config.prefix.length));
  }

  test('puts together what came in many segments, of several parts each, and leaves nothing else', async () => {
    const bytes = randomBytes(4 * PART_BYTES + 3 * PART_BYTES + 4321);
    const digests = await Promise.all([put(bytes), put(bytes)]);
    expect(digests).toEqual([0, 1].map(() => ({ digest: digestOf(bytes), size: bytes.length })));
    const hex = digestOf(bytes).slice(7);
    expect(await keys()).toEqual([`blobs/sha256/${hex.slice(0, 2)}/${hex}`]);
    expect(await bucket.uploads(config.prefix)).toEqual([]);
    await using blob = await store.open(digestOf(bytes), { holder: jobWriter() });
    expect((await buffer(blob.stream())).equals(bytes)).toBe(true);
    expect((await buffer(blob.stream({ start: 7 * MiB, end: 9 * MiB }))).equals(bytes.subarray(7 * MiB, 9 * MiB + 1))).toBe(true);
  });

  test('copies nothing that is there already', async () => {
    const bytes = randomBytes(1000);
    await put(bytes);
    const key = new S3Layout(config.prefix).blob(digestOf(bytes));
    await bucket.put(key, randomBytes(1000)); // as long, so that it can be told from ours
    const there = await bucket.head(key);
    await put(bytes);
    expect((await bucket.head(key))?.etag).toBe(there?.etag);
    await bucket.put(key, randomBytes(10)); // of another length it is nothing of ours
    await put(bytes);
    await using blob = await store.open(digestOf(bytes), { holder: jobWriter() });
    expect((await blob.read(0, 2000)).equals(bytes)).toBe(true);
  });

  test('carries over segments of several parts, the last of them cut short', async () => {
    const job = randomUUID();
    const bytes = randomBytes(3 * PART_BYTES + 5 * MiB);
    const former = await store.stage({ writer: `${job}.1`, source: 'image' });
    await new Promise((resolve) => former.write(bytes.subarray(0, 2 * PART_BYTES + 1234), resolve));
    await former.keep();
    await using staged = await store.stage({ writer: `${job}.2`, source: 'image' });
    expect(await store.carryOver(`${job}.1`, staged)).toBe(2 * PART_BYTES + 1234);
    await pipeline(Readable.from([bytes.subarray(staged.bytesWritten)]), staged);
    expect(await staged.commit()).toEqual({ digest: digestOf(bytes), size: bytes.length });
    await using blob = await store.open(digestOf(bytes), { holder: jobWriter() });
    expect((await buffer(blob.stream())).equals(bytes)).toBe(true);
  });

  test('a killed writer leaves a prefix under its name, fit to be carried over', async () => {
    const job = randomUUID();
    const script = join(projectRoot, 'libs/blobs/test/stage-forever.mjs');
    const child = spawn(process.execPath, [script, JSON.stringify(config), `${job}.1`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(child, 'exit');
    await until(async () => (await keys()).filter((key) => /\/\d{6}$/.test(key)).length >= 3, {
      what: 'the child writes',
      timeout: 60_000,
    });
    child.kill('SIGKILL');
    await exited;
    expect(await store.stagedWriters()).toEqual([`${job}.1`]);
    await using staged = await store.stage({ writer: `${job}.2` });
    const carried = await store.carryOver(`${job}.1`, staged);
    expect(carried).toBeGreaterThanOrEqual(PART_BYTES);
    expect((await staged.commit()).digest).toBe(digestOf(Buffer.alloc(carried, 'vice')));
    expect((await keys()).filter((key) => key.startsWith('staging/'))).toEqual([]);
  });

  test('a writer whose staged bytes were swept away is told', async () => {
    for (const size of [10, 2 * PART_BYTES]) {
      await using staged = await store.stage({ writer: uploadWriter() });
      await pipeline(Readable.from([randomBytes(size)]), staged);
      await store.removeStaged(staged.writer);
      await expect(staged.commit()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }
    expect(await bucket.uploads(config.prefix)).toEqual([]);
  });

  test('sweeps also what a writer that died has only begun to send, and to publish', async () => {
    const [layout, writer] = [new S3Layout(config.prefix), jobWriter()];
    const folder = layout.staged(writer, 'source');
    await bucket.beginUpload(layout.segment(folder, 0));
    expect(await store.stagedWriters()).toEqual([writer]);
    const publishing = await bucket.beginUpload(layout.blob(digestOf(Buffer.from('bytes'))));
    await bucket.put(layout.publishing(folder), Buffer.from(JSON.stringify(publishing)));
    const other = await store.stage({ writer: `${writer}0` });
    for (let times = 0; times < 2; times++) await store.removeStaged(writer);
    expect(await store.stagedWriters()).toEqual([`${writer}0`]);
    expect(await bucket.uploads(config.prefix)).toEqual([]);
    await other.cancel();
    expect(await keys()).toEqual([]);
  });

  test('reads on where the connection breaks', async () => {
    const bytes = randomBytes(9 * MiB);
    const { digest } = await put(bytes);
    await using line = await cuttingLine(new URL(config.endpoint!), 2 * MiB);
    const faraway = new S3BlobStore({ ...config, endpoint: line.url }, new BlobLedger(ledger.ask));
    await using blob = await faraway.open(digest, { holder: jobWriter() });
    expect((await buffer(blob.stream({ start: 10, end: 8 * MiB }))).equals(bytes.subarray(10, 8 * MiB + 1))).toBe(true);
    expect(line.cuts).toBeGreaterThan(2);
  });

  test('does not try again to remove a blob that may have come anew', async () => {
    const bytes = randomBytes(100);
    const { digest } = await put(bytes);
    await using deaf = await cuttingLine(new URL(config.endpoint!), 0);
    const faraway = new S3BlobStore({ ...config, endpoint: deaf.url }, new BlobLedger(ledger.ask));
    const mayStill = () => {
      if (deaf.cuts > 0) throw new ViceError('LEASE_LOST', 'somebody else collects');
    };
    await expect(faraway.removeBytes(digest, mayStill)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    expect(deaf.cuts).toBe(1);
  });

  test('gives programs a file, which goes when the blob is closed', async () => {
    const bytes = randomBytes(3 * MiB);
    const { digest } = await put(bytes);
    const blob = await store.open(digest, { holder: jobWriter() });
    const path = await blob.file();
    expect((await readFile(path)).equals(bytes)).toBe(true);
    expect((await stat(path)).mode & 0o222).toBe(0);
    expect(await blob.file()).toBe(path);
    expect((await blob.read(MiB, 100)).equals(bytes.subarray(MiB, MiB + 100))).toBe(true);
    expect((await buffer(blob.stream({ start: 1, end: 2 * MiB }))).equals(bytes.subarray(1, 2 * MiB + 1))).toBe(true);
    await blob[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(false);
  });

  test('removes the scratch of processes that have ended, and of no other', async () => {
    const [dead, scratch] = [randomUUID(), join(temp.path, 'old')];
    await mkdir(join(scratch, dead, 'workspace'), { recursive: true });
    await writeFile(join(scratch, `${dead}.lock`), '1');
    const old = new S3BlobStore({ ...config, scratch }, new BlobLedger(ledger.ask));
    await using workspace = await old.workspace({ writer: jobWriter(), bytes: MiB });
    const others = (await readdir(scratch)).filter((name) => !name.startsWith(dead));
    expect(await readdir(scratch)).toEqual(others);
    expect(workspace.folder.startsWith(join(scratch, others[0]!.slice(0, 36)))).toBe(true);
  });

  test('says when the bucket is full, and leaves nothing', async () => {
    const small = new S3BlobStore({ ...config, bucket: 'small' }, new BlobLedger(ledger.ask));
    await expect(put(randomBytes(30 * MiB), small)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(await small.stagedWriters()).toEqual([]);
    expect(isBounded(small)).toBe(false);
  });

  test('says why it is not ready', async () => {
    const check = (changed: Partial<S3StoreConfig>) =>
      createBlobStore({ ...config, ...changed }, new BlobLedger(ledger.ask)).check();
    const unavailable = (message: string) => ({ code: 'UNAVAILABLE', message: expect.stringContaining(message) });
    await expect(check({ bucket: 'no-such-bucket' })).rejects.toMatchObject(
      unavailable('bucket of the blob store does not exist'),
    );
    await expect(check(server.powerless)).rejects.toMatchObject(unavailable('refuses access'));
    await expect(check({ secretAccessKey: 'wrong' })).rejects.toMatchObject(unavailable('refuses access'));
    await expect(check({ endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject(unavailable('does not answer'));
  });

  describe('redirected', () => {
    test('hands out a URL that brings the bytes and what they are, and keeps them pinned', async () => {
      const bytes = randomBytes(2 * MiB);
      const { digest } = await put(bytes);
      ledger.held.clear();
      const redirecting = createBlobStore(
        { ...config, redirect: true, publicEndpoint: server.endpoint.replace('127.0.0.1', 'localhost') },
        new BlobLedger(ledger.ask),
      );
      if (!redirects(redirecting)) throw new Error('it does not redirect');
      const holder = `download-${randomUUID()}`;
      const asked = { holder, contentType: 'application/octet-stream', contentDisposition: `attachment; filename="d.raw"` };
      const url = await redirecting.redirect(digest, asked);
      expect(new URL(url).hostname).toBe('localhost');
      const answer = await fetch(url);
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
      expect(answer.headers.get('content-disposition')).toBe(asked.contentDisposition);
      expect(answer.headers.get('content-type')).toBe(asked.contentType);
      const range = await fetch(url, { headers: { range: 'bytes=5-9' } });
      expect([range.status, Buffer.from(await range.arrayBuffer())]).toEqual([206, bytes.subarray(5, 10)]);
      expect(ledger.pins.get(holder)).toEqual(new Set([digest]));
      expect(ledger.held.get(holder)).toBeGreaterThanOrEqual(900);
      const nothing = digestOf(randomBytes(8));
      await expect(redirecting.redirect(nothing, { ...asked, pinned: true })).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    });

    test('is no ability of a store that was not told so', () => {
      expect(redirects(store)).toBe(false);
    });
  });
});

/** A line to the server that breaks after so many bytes of each answer. */
async function cuttingLine(to: URL, bytes: number) {
  let cuts = 0;
  const listener = createServer((client) => {
    const upstream = connect(Number(to.port), to.hostname);
    let passed = 0;
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      if (passed <= bytes) return void client.write(chunk);
      cuts++;
      client.destroy();
      upstream.destroy();
    });
    for (const socket of [client, upstream])
      socket.on('error', () => socket.destroy()).once('close', () => (client.destroy(), upstream.destroy()));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
    },
  };
}
