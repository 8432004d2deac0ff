import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Digest } from '#libs/contracts';
import { until } from '#libs/testing';
import { BlobLedger, type BlobStore, type StageOptions } from '../index.js';
import { MemoryLedger } from './memory-ledger.js';

const MiB = 1 << 20;

export interface StorePlace {
  open(ledger: BlobLedger): BlobStore;
  remove(): Promise<void>;
}

export const uploadWriter = (): string => `upload-${randomUUID()}`;
const downloadHolder = (): string => `download-${randomUUID()}`;
export const digestOf = (bytes: Buffer): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** What every blob store does, wherever it keeps its bytes. */
export function blobStoreSuite(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    let place: StorePlace;
    let ledger: MemoryLedger;
    let store: BlobStore;

    beforeEach(async () => {
      place = await makePlace();
      ledger = new MemoryLedger();
      store = place.open(new BlobLedger(ledger.ask));
    });
    afterEach(() => place.remove());

    async function put(bytes: Buffer, options: Partial<StageOptions> = {}, chunkBytes = 64 * 1024) {
      await using staged = await store.stage({ writer: uploadWriter(), ...options });
      await pipeline(Readable.from(inChunks(bytes, chunkBytes)), staged);
      return await staged.commit();
    }

    async function get(digest: Digest, range?: { start: number; end: number }): Promise<Buffer> {
      await using blob = await store.open(digest, { holder: downloadHolder() });
      return await buffer(blob.stream(range));
    }

    async function expectNothingLeft() {
      expect(await store.stagedWriters()).toEqual([]);
      expect([...ledger.reserved]).toEqual([]);
      expect([...ledger.pins]).toEqual([]);
    }

    test('keeps bytes under their digest, of any size and in chunks of any size', async () => {
      for (const size of [0, 1, MiB - 1, MiB, MiB + 1, 5 * MiB + 12_345]) {
        const bytes = randomBytes(size);
        for (const chunkBytes of [10_007, 64 * 1024, 3 * MiB]) {
          expect(await put(bytes, {}, chunkBytes)).toEqual({ digest: digestOf(bytes), size });
        }
        expect((await get(digestOf(bytes))).equals(bytes)).toBe(true);
      }
      await expectNothingLeft();
    });

    test('reads ranges and pieces, also after a stream was given up', async () => {
      const bytes = randomBytes(3 * MiB);
      const { digest } = await put(bytes);
      expect((await get(digest, { start: 1000, end: 2_000_000 })).equals(bytes.subarray(1000, 2_000_001))).toBe(true);
      expect((await get(digest, { start: 5, end: 5 })).equals(bytes.subarray(5, 6))).toBe(true);
      await using blob = await store.open(digest, { holder: downloadHolder() });
      for await (const chunk of blob.stream()) {
        expect((chunk as Buffer).length).toBeGreaterThan(0);
        break;
      }
      expect((await blob.read(MiB, 10)).equals(bytes.subarray(MiB, MiB + 10))).toBe(true);
      expect((await blob.read(3 * MiB - 4, 10)).length).toBe(4);
      expect((await blob.read(4 * MiB, 10)).length).toBe(0);
      expect((await buffer(blob.stream())).equals(bytes)).toBe(true);
    });

    test('fails the streams of a blob that is closed before their end', async () => {
      const { digest } = await put(randomBytes(4 * MiB));
      const blob = await store.open(digest, { holder: downloadHolder() });
      const stream = blob.stream();
      const read = expect(buffer(stream)).rejects.toThrow('closed while it was being read');
      await blob[Symbol.asyncDispose]();
      await read;
    });

    test('pins what is open, and lets go of it', async () => {
      const { digest } = await put(randomBytes(10));
      const holder = downloadHolder();
      const blob = await store.open(digest, { holder });
      expect(ledger.pins.get(holder)).toEqual(new Set([digest]));
      await blob[Symbol.asyncDispose]();
      await expectNothingLeft();
    });

    test('says when there is no such blob', async () => {
      const digest = digestOf(randomBytes(8));
      await expect(store.open(digest, { holder: downloadHolder() })).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
      ledger.blobs.set(digest, 'reserved'); // of a writer that died before it published
      await expect(store.open(digest, { holder: downloadHolder() })).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
      await expectNothingLeft();
    });

    test('takes the same bytes from many writers at once', async () => {
      const bytes = randomBytes(2 * MiB);
      const digests = await Promise.all(Array.from({ length: 12 }, async () => (await put(bytes)).digest));
      expect(new Set(digests)).toEqual(new Set([digestOf(bytes)]));
      expect((await get(digestOf(bytes))).equals(bytes)).toBe(true);
      await expectNothingLeft();
    });

    test('lets slow writers keep nobody waiting', async () => {
      const slow = await Promise.all(Array.from({ length: 40 }, () => store.stage({ writer: uploadWriter() })));
      for (const staged of slow) staged.write(randomBytes(MiB - 1));
      const bytes = randomBytes(6 * MiB);
      expect((await put(bytes)).digest).toBe(digestOf(bytes));
      for (const staged of slow) await staged.cancel();
      await expectNothingLeft();
    });

    test('leaves nothing of what was cancelled, or broke in the middle', async () => {
      const cancelled = await store.stage({ writer: uploadWriter() });
      cancelled.write(randomBytes(3 * MiB));
      await cancelled.cancel();
      async function* breaking() {
        yield randomBytes(3 * MiB);
        throw new Error('the connection broke');
      }
      const transfer = async () => {
        await using staged = await store.stage({ writer: uploadWriter() });
        await pipeline(Readable.from(breaking()), staged);
        await staged.commit();
      };
      await expect(transfer()).rejects.toThrow('the connection broke');
      await expectNothingLeft();
    });

    test('refuses more than it may take', async () => {
      await expect(put(randomBytes(2 * MiB), { maxBytes: 2 * MiB - 1 })).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
      await expect(put(randomBytes(10), { maxBytes: 9, expected: { size: 10 } })).rejects.toMatchObject({
        code: 'IMAGE_TOO_LARGE',
      });
      expect((await put(randomBytes(2 * MiB), { maxBytes: 2 * MiB, size: 9 * MiB })).size).toBe(2 * MiB);
      await expectNothingLeft();
    });

    test('checks what the source promised', async () => {
      const bytes = randomBytes(MiB + 5);
      const hex = (algorithm: string) => createHash(algorithm).update(bytes).digest('hex');
      const expected = { size: bytes.length, sha256: hex('sha256'), sha512: hex('sha512').toUpperCase(), md5: hex('md5') };
      expect((await put(bytes, { expected })).digest).toBe(digestOf(bytes));
      for (const wrong of [
        { size: bytes.length + 1 },
        { size: 7 },
        { sha256: hex('md5') },
        { sha512: 'x' },
        { md5: hex('sha1') },
      ]) {
        await expect(put(bytes, { expected: { ...expected, ...wrong } })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' });
      }
      await expectNothingLeft();
    });

    test('carries over what a former attempt of the job had staged', async () => {
      const job = randomUUID();
      const bytes = randomBytes(5 * MiB + 77);
      const former = await store.stage({ writer: `${job}.1` });
      await new Promise((resolve) => former.write(bytes.subarray(0, 3 * MiB), resolve));
      await former.keep();
      expect(await store.stagedWriters()).toEqual([`${job}.1`]);

      await using staged = await store.stage({
        writer: `${job}.2`,
        expected: { size: bytes.length, sha256: digestOf(bytes).slice(7) },
      });
      expect(await store.carryOver(`${job}.7`, staged)).toBe(0);
      const carried = await store.carryOver(`${job}.1`, staged);
      expect(carried).toBeGreaterThan(0);
      expect(await store.stagedWriters()).toEqual([`${job}.2`]);
      await pipeline(Readable.from(inChunks(bytes.subarray(carried), 100_000)), staged);
      expect(await staged.commit()).toEqual({ digest: digestOf(bytes), size: bytes.length });
    });

    test('carries nothing over of another source, and takes that away', async () => {
      const job = randomUUID();
      const sources: (string | undefined)[] = ['image/1', 'image/2', undefined];
      for (const [is, was] of [0, 1, 2].flatMap((one) => [0, 1, 2].map((other) => [sources[one], sources[other]] as const))) {
        const former = await store.stage({ writer: `${job}.1`, ...(was !== undefined && { source: was }) });
        await new Promise((resolve) => former.write(randomBytes(3 * MiB), resolve));
        await former.keep();
        expect(await store.stagedWriters()).toEqual([`${job}.1`]);
        await using staged = await store.stage({ writer: `${job}.2`, ...(is !== undefined && { source: is }) });
        const carried = await store.carryOver(`${job}.1`, staged);
        expect({ is, was, carried: carried > 0 }).toEqual({ is, was, carried: is === was });
        expect(await store.stagedWriters()).toEqual([`${job}.2`]);
      }
    });

    test('publishes and removes what was staged of a source like all else', async () => {
      const bytes = randomBytes(3 * MiB);
      const source = '../ any text?';
      expect(await put(bytes, { source })).toEqual({ digest: digestOf(bytes), size: bytes.length });
      const kept = await store.stage({ writer: uploadWriter(), source });
      await kept.keep();
      await store.removeStaged(kept.writer);
      expect(await store.stagedWriters()).toEqual([]);
    });

    test('holds what a job published until its job ends, what was uploaded until that is disposed of', async () => {
      const writer = `${randomUUID()}.1`;
      const { digest } = await put(randomBytes(100), { writer });
      expect(ledger.pins.get(writer)).toEqual(new Set([digest]));
      const upload = await store.stage({ writer: uploadWriter() });
      upload.end(randomBytes(50));
      const uploaded = await upload.commit();
      expect(ledger.pins.get(upload.writer)).toEqual(new Set([uploaded.digest]));
      await upload[Symbol.asyncDispose]();
      expect(ledger.pins.has(upload.writer)).toBe(false);
    });

    test('publishes only after garbage collection has done with the same digest', async () => {
      const bytes = randomBytes(1000);
      const { digest } = await put(bytes);
      ledger.blobs.set(digest, 'deleting');
      const again = put(bytes);
      await until(() => ledger.asked.filter((name) => name === 'blob.reserve').length >= 3, { what: 'the writer asks again' });
      await store.removeBytes(digest);
      ledger.blobs.delete(digest);
      expect((await again).digest).toBe(digest);
      expect((await get(digest)).equals(bytes)).toBe(true);
    });

    test('lets eight writers not each see the same free space', async () => {
      ledger.capacity = 100 * MiB;
      const eight = await Promise.allSettled(
        Array.from({ length: 8 }, () => store.stage({ writer: uploadWriter(), size: 30 * MiB })),
      );
      const accepted = eight.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(accepted).toHaveLength(3);
      for (const outcome of eight)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'STORAGE_FULL' });
      for (const staged of accepted) await staged.cancel();
      await expectNothingLeft();
    });

    test('grows the reserved space of an unknown size, and stops where there is no more', async () => {
      ledger.capacity = 20 * MiB;
      expect((await put(randomBytes(6 * MiB))).size).toBe(6 * MiB);
      await expect(put(randomBytes(40 * MiB))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      await expectNothingLeft();
    });

    test('removes what is told, again and again', async () => {
      const { digest } = await put(randomBytes(10));
      for (let times = 0; times < 2; times++) await store.removeBytes(digest);
      await expect(get(digest)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
      const staged = await store.stage({ writer: uploadWriter() });
      await staged.keep();
      for (let times = 0; times < 2; times++) await store.removeStaged(staged.writer);
      expect(await store.stagedWriters()).toEqual([]);
    });

    test('takes no name that leads elsewhere', async () => {
      const job = randomUUID();
      for (const writer of [
        '',
        '..',
        '../../etc/passwd',
        `upload-${job}/..`,
        `${job}.0`,
        job,
        `${job}.1\n`,
        job.toUpperCase() + '.1',
      ]) {
        await expect(store.stage({ writer })).rejects.toMatchObject({ code: 'INTERNAL' });
        await expect(store.removeStaged(writer)).rejects.toMatchObject({ code: 'INTERNAL' });
      }
      for (const digest of [
        '',
        'sha256:..',
        `sha256:${'A'.repeat(64)}`,
        `md5:${'a'.repeat(64)}`,
        `sha256:${'a'.repeat(64)}/..`,
      ]) {
        await expect(store.removeBytes(digest)).rejects.toMatchObject({ code: 'INTERNAL' });
      }
    });

    test('is ready', async () => {
      await store.check();
    });
  });
}

function* inChunks(bytes: Buffer, chunkBytes: number): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.subarray(from, from + chunkBytes);
}
