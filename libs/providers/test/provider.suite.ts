import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ContentType, type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { isPreparing, type DeployableImage, type EnvironmentSession } from '../index.js';

/** A real environment, and what the suite needs to know of it. */
export interface ProviderBench {
  connect(signal: AbortSignal): Promise<EnvironmentSession>;
  /** An image that is there and can be imported. */
  reference: string;
  contentType: ContentType;
  /** Whether reading one image twice gives the same bytes. Where not, it gives as many. */
  sameBytes: boolean;
  /** A reference that has to be prepared, where there is such a thing. */
  preparable?: string;
  /** Content that can be deployed and that the environment does not hold, with what inspection finds in it. */
  deployable: { contentType: ContentType; bytes: Buffer; facts: JsonObject };
  /** Everything that the environment holds, as comparable text; whatever we leave there shows in it. */
  holdings(): Promise<string[]>;
  close(): Promise<void>;
}

const MARKERS = ['6f1ed002-ab59-4e53-9d4e-4f2a8e0c1b01', 'c0ffee00-0000-4000-8000-000000000002'] as const;

/** What every provider has to do, against its real server. */
export function providerSuite(name: string, open: () => Promise<ProviderBench>): void {
  describe(`${name} as a provider`, () => {
    let bench: ProviderBench;
    let before: string[];
    beforeAll(async () => {
      bench = await open();
      before = await bench.holdings();
    }, 120_000);
    afterAll(() => bench?.close());

    const session = async <T>(work: (session: EnvironmentSession) => Promise<T>, signal = new AbortController().signal) => {
      await using connected = await bench.connect(signal);
      return await work(connected);
    };
    const deployable = (open = async () => Readable.from(chunksOf(bench.deployable.bytes))): DeployableImage => {
      const { contentType, bytes, facts } = bench.deployable;
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const rest = { specifics: {}, imageSpecifics: {}, log: () => undefined, moved: () => undefined, facts: async () => facts };
      const read = async (position: number, length: number) => rangeOf(await open(), position, length);
      return { title: 'Suite image', contentType, size: bytes.length, digest, open, read, ...rest };
    };
    /** As the registry does it: what an attempt notes, the next one is told. */
    const noted = new Map<string, string>();
    const noteFor = (marker: string) => async (reference: string) => void noted.set(marker, reference);
    const write = (marker: string, image = deployable()) => {
      const former = noted.get(marker);
      return session((connected) => connected.write({ ...image, ...(former && { former }) }, marker, noteFor(marker)));
    };
    const remove = async (marker: string, reference?: string) => {
      const what = { marker, title: 'Suite image', specifics: {}, ...(reference && { reference }) };
      await session((connected) => connected.remove(what));
      noted.delete(marker);
    };

    it('says what answers', async () => {
      const { message, details } = await session((connected) => connected.check());
      expect(message).not.toBe('');
      expect(details).toBeDefined();
    });

    it('lists images by references that it can describe', async () => {
      const listed = await session(async (connected) => {
        const all = [];
        let page: string | undefined;
        do {
          const { images, next } = await connected.list(page);
          all.push(...images);
          page = next ?? undefined;
        } while (page !== undefined);
        return all;
      });
      expect(listed).toContainEqual(
        expect.objectContaining({ reference: bench.reference, importable: true, contenttype: bench.contentType }),
      );
      expect(new Set(listed.map(({ reference }) => reference)).size).toBe(listed.length);
    });

    it('names an image that is not there', async () => {
      const missing = 'no-such-image-3c1f';
      await expect(session((connected) => connected.describe(missing))).rejects.toMatchObject({
        code: 'REMOTE_IMAGE_NOT_FOUND',
        message: expect.stringContaining(missing),
      });
    });

    it('reads the same image each time, as promised', async () => {
      const read = () =>
        session(async (connected) => {
          const image = await connected.describe(bench.reference);
          const hash = createHash('sha256');
          let size = 0;
          for await (const chunk of (await connected.read(image)) as AsyncIterable<Buffer>) {
            hash.update(chunk);
            size += chunk.length;
          }
          if (image.size !== null) expect(size).toBe(image.size);
          if (image.checksums.sha256) expect(hash.copy().digest('hex')).toBe(image.checksums.sha256);
          expect(image.contentType).toBe(bench.contentType);
          return bench.sameBytes ? hash.digest('hex') : size;
        });
      expect(await read()).toBe(await read());
    });

    it('stops reading when it is told to', async () => {
      const control = new AbortController();
      const reason = new ViceError('JOB_CANCELLED', 'the job was cancelled');
      const reading = session(async (connected) => {
        const stream = await connected.read(await connected.describe(bench.reference));
        for await (const chunk of stream) if (chunk) control.abort(reason);
      }, control.signal);
      await expect(reading).rejects.toMatchObject({ code: 'JOB_CANCELLED' });
    });

    it('deploys: notes the reference before the bytes go, and holds what was sent', async () => {
      let notedFirst: string[] = [];
      const source = async () => {
        notedFirst = [...noted.values()];
        return Readable.from(chunksOf(bench.deployable.bytes));
      };
      const receipt = await write(MARKERS[0], deployable(source));
      expect(notedFirst).toHaveLength(1);
      const held = await session((connected) => connected.verify(receipt.reference));
      expect(held?.reference).toBe(receipt.reference);
      expect(await bench.holdings()).not.toEqual(before);
    });

    it('makes nothing twice when an attempt is repeated', async () => {
      const once = await bench.holdings();
      const first = await write(MARKERS[0]);
      const second = await write(MARKERS[0]);
      expect(second).toEqual(first);
      expect(await bench.holdings()).toEqual(once);
    });

    it('removes what it deployed, and a second time; another deployment of the same stays', async () => {
      const { reference } = await write(MARKERS[1]);
      await remove(MARKERS[0], reference);
      await expect(session((connected) => connected.verify(reference))).resolves.not.toBeNull();
      await remove(MARKERS[0], reference);
      await remove(MARKERS[1], reference);
      await remove(MARKERS[1], reference);
      expect(await bench.holdings()).toEqual(before);
      await expect(session((connected) => connected.verify(reference))).resolves.toBeNull();
    });

    it('removes by the marker alone, also what never came to be', async () => {
      await remove(MARKERS[0]);
      await write(MARKERS[0]);
      await remove(MARKERS[0]);
      expect(await bench.holdings()).toEqual(before);
    });

    it('makes nothing when its reference is refused', async () => {
      const refusal = new ViceError('JOB_CANCELLED', 'the job was cancelled');
      const writing = session((connected) => connected.write(deployable(), MARKERS[0], () => Promise.reject(refusal)));
      await expect(writing).rejects.toBe(refusal);
      expect(await bench.holdings()).toEqual(before);
    });

    it('leaves nothing when its source breaks, and says why', async () => {
      const failure = new ViceError('BLOB_NOT_FOUND', 'the blob is gone');
      const broken = async () => Readable.from(breakingAfter(bench.deployable.bytes, failure));
      await expect(write(MARKERS[0], deployable(broken))).rejects.toBe(failure);
      await remove(MARKERS[0]);
      expect(await bench.holdings()).toEqual(before);
    });

    it('carries on after an attempt that was cut off in the middle', async () => {
      const control = new AbortController();
      const cut = async () =>
        Readable.from(breakingAfter(bench.deployable.bytes, new Error('never seen'), () => control.abort(handBack)));
      const handBack = new ViceError('UNAVAILABLE', 'the worker shuts down');
      const cutOff = session((connected) => connected.write(deployable(cut), MARKERS[0], noteFor(MARKERS[0])), control.signal);
      await expect(cutOff).rejects.toMatchObject({ code: 'UNAVAILABLE' });
      const { reference } = await write(MARKERS[0]);
      await remove(MARKERS[0], reference);
      expect(await bench.holdings()).toEqual(before);
    });

    it('prepares once, however often it is asked, and disposes of it', async () => {
      await session(async (connected) => {
        const { preparable } = bench;
        if (!isPreparing(connected) || preparable === undefined) return;
        expect(connected.needsPreparation(preparable)).toBe(true);
        expect(connected.needsPreparation(bench.reference)).toBe(false);
        const first = await connected.prepare(preparable, MARKERS[0]);
        const second = await connected.prepare(preparable, MARKERS[0]);
        expect(second).toEqual(first);
        for await (const chunk of await connected.read(first)) expect(chunk.length).toBeGreaterThan(0);
        await connected.dispose(MARKERS[0]);
        await connected.dispose(MARKERS[0]);
      });
      expect(await bench.holdings()).toEqual(before);
    });
  });
}

function* chunksOf(bytes: Buffer, size = 2 ** 16): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What a source gives from `position` on; it breaks where the source does. */
async function rangeOf(source: Readable, position: number, length: number): Promise<Buffer> {
  const taken: Buffer[] = [];
  let at = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    taken.push(chunk.subarray(Math.max(0, position - at), Math.max(0, position + length - at)));
    at += chunk.length;
    if (at >= position + length) break;
  }
  return Buffer.concat(taken);
}

/** Half of the bytes, then `happens`, then the error. */
async function* breakingAfter(bytes: Buffer, error: Error, happens?: () => void): AsyncGenerator<Buffer> {
  yield* chunksOf(bytes.subarray(0, bytes.length / 2));
  await new Promise((later) => setImmediate(later));
  happens?.();
  throw error;
}
