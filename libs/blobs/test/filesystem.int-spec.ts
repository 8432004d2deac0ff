import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Logger } from '#libs/observability';
import { describeWith, projectRoot, shortTempPath, tempDir, until, type Requirement, type TempDir } from '#libs/testing';
import { BlobLedger, createBlobStore, type BlobStore, type BoundedBlobStore } from '../index.js';
import { blobStoreSuite, digestOf, uploadWriter, type StorePlace } from './blob-store.suite.js';
import { MemoryLedger } from './memory-ledger.js';
import { workspaceSuite } from './workspace.suite.js';

const run = promisify(execFile);
const MiB = 1 << 20;

jest.setTimeout(30_000);

const makePlace = async (): Promise<StorePlace> => {
  const { path, remove } = await tempDir();
  return { open: (ledger) => createBlobStore({ kind: 'file', folder: join(path, 'blobs') }, ledger), remove };
};

blobStoreSuite('blobs in a folder', makePlace);
workspaceSuite('a workspace in a folder', makePlace);

describe('blobs in a folder, besides', () => {
  let temp: TempDir;
  let ledger: MemoryLedger;
  let store: BlobStore;

  beforeEach(async () => {
    temp = await tempDir();
    ledger = new MemoryLedger();
    store = createBlobStore({ kind: 'file', folder: temp.path }, new BlobLedger(ledger.ask));
  });
  afterEach(() => temp.remove());

  async function put(bytes: Buffer) {
    await using staged = await store.stage({ writer: uploadWriter() });
    staged.end(bytes);
    return await staged.commit();
  }

  test('what is being read stays readable, even if it is deleted', async () => {
    const bytes = randomBytes(2 * MiB);
    const { digest } = await put(bytes);
    await using blob = await store.open(digest, { holder: `download-${randomUUID()}` });
    await store.removeBytes(digest);
    expect((await buffer(blob.stream())).equals(bytes)).toBe(true);
  });

  test('a workspace publishes without copying', async () => {
    await using workspace = await store.workspace({ writer: `${randomUUID()}.1`, bytes: MiB });
    const file = join(workspace.folder, 'result');
    await writeFile(file, randomBytes(MiB));
    const { ino } = await stat(file);
    const { digest } = await workspace.commit(file);
    await using blob = await store.open(digest, { holder: `${randomUUID()}.1` });
    expect((await stat(await blob.file())).ino).toBe(ino);
  });

  test('bytes of the wrong length are replaced by those of the next writer', async () => {
    const bytes = randomBytes(1000);
    const digest = digestOf(bytes);
    await put(bytes);
    await writeFile(join(temp.path, 'blobs', 'sha256', digest.slice(7, 9), digest.slice(7)), 'half');
    await put(bytes);
    await using blob = await store.open(digest, { holder: `download-${randomUUID()}` });
    expect((await blob.read(0, 2000)).equals(bytes)).toBe(true);
  });

  test('a writer whose staged bytes were swept away is told', async () => {
    await using staged = await store.stage({ writer: uploadWriter() });
    staged.end(randomBytes(10));
    await store.removeStaged(staged.writer);
    await expect(staged.commit()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('tells how much place its filesystem has', async () => {
    const { free, capacity } = await (store as BoundedBlobStore).space();
    const { bavail, blocks, bsize } = await statfs(temp.path);
    expect(capacity).toBe(blocks * bsize);
    expect(Math.abs(free - bavail * bsize)).toBeLessThan(capacity / 10);
  });

  test('is not ready where there is no folder to write to, and says so at once', async () => {
    await store.check();
    await rm(temp.path, { recursive: true });
    await expect(store.check()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(temp.path) });
    await writeFile(temp.path, 'a file');
    const told: object[] = [];
    const logger = { error: (fields: object) => told.push(fields) } as unknown as Logger;
    const another = createBlobStore({ kind: 'file', folder: temp.path }, new BlobLedger(ledger.ask), logger);
    await expect(another.check()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await until(() => told.length > 0, { what: 'the log tells' });
    expect(told).toEqual([{ reason: expect.stringContaining(temp.path) }]);
  });

  test('a killed writer leaves a prefix under its name, fit to be carried over', async () => {
    const job = randomUUID();
    const script = join(projectRoot, 'libs/blobs/test/stage-forever.mjs');
    const config = JSON.stringify({ kind: 'file', folder: temp.path });
    const child = spawn(process.execPath, [script, config, `${job}.1`], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(child, 'exit');
    await until(async () => (await stat(join(temp.path, 'staging', `${job}.1`))).size > 8 * MiB, { what: 'the child writes' });
    child.kill('SIGKILL');
    await exited;
    expect(await store.stagedWriters()).toEqual([`${job}.1`]);
    await using staged = await store.stage({ writer: `${job}.2` });
    const carried = await store.carryOver(`${job}.1`, staged);
    expect(carried).toBeGreaterThan(8 * MiB);
    expect((await staged.commit()).digest).toBe(digestOf(Buffer.alloc(carried, 'vice')));
  });
});

/** Root may mount a filesystem of its own, so small that it is soon full. */
const smallDisk: Requirement<string> = {
  what: 'the right to mount a small filesystem',
  async find() {
    await using temp = await tempDir();
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'vice-test', temp.path]);
    await run('umount', [temp.path]);
    return 'tmpfs';
  },
};

await describeWith([smallDisk], 'a full disk', () => {
  test('ends in STORAGE_FULL that says so, and nothing is left', async () => {
    const path = shortTempPath();
    await run('mkdir', [path]);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'vice-test', path]);
    try {
      const ledger = new MemoryLedger();
      ledger.blind = true; // somebody else fills the disk, after the space was reserved
      const store = createBlobStore({ kind: 'file', folder: path }, new BlobLedger(ledger.ask));
      const transfer = async () => {
        await using staged = await store.stage({ writer: uploadWriter() });
        for (let written = 0; written < 32; written++) await new Promise((resolve) => staged.write(randomBytes(MiB), resolve));
        await staged.commit();
      };
      await expect(transfer()).rejects.toMatchObject({ code: 'STORAGE_FULL', message: expect.stringContaining('disk') });
      expect(await store.stagedWriters()).toEqual([]);
      expect(await readdir(join(path, 'blobs', 'sha256'))).toEqual([]);
      expect(ledger.reserved.size).toBe(0);
      await using staged = await store.stage({ writer: uploadWriter() });
      staged.end(randomBytes(6 * MiB));
      expect((await staged.commit()).size).toBe(6 * MiB);
    } finally {
      await run('umount', [path]);
      await rm(path, { recursive: true });
    }
  });
});
