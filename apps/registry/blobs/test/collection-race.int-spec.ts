import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { BlobLedger, collectBlobs, createBlobStore, sweepStaging, type BlobStore } from '#libs/blobs';
import { type Digest } from '#libs/contracts';
import { describeWith, postgres, tempDir, type TempDir } from '#libs/testing';
import { LedgerPlace } from './ledger-place.js';

jest.setTimeout(300_000);

const ROUNDS = 2_000;
const WRITERS = 2;
const BYTES = Buffer.from('the same bytes, again and again');
const collector = { throwIfStopped: () => {} };

await describeWith([postgres()], 'ingest and collection of one digest', () => {
  let place: LedgerPlace;
  let temp: TempDir;
  let store: BlobStore;
  let ledger: BlobLedger;

  beforeAll(async () => {
    [place, temp] = [await LedgerPlace.open(), await tempDir()];
    ledger = new BlobLedger(place.ask);
    store = createBlobStore({ kind: 'file', folder: join(temp.path, 'blobs') }, ledger);
  });
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await temp.remove();
  });

  /** As an upload does: the image refers to the blob before the hold is released. */
  async function uploadedImage(): Promise<{ image: string; digest: Digest }> {
    await using staged = await store.stage({ writer: `upload-${randomUUID()}`, size: BYTES.length });
    staged.end(BYTES);
    const { digest } = await staged.commit();
    return { image: await place.image(digest), digest };
  }

  /** As an import does: the job ends, and with it its hold, in the transaction in which the image comes to refer to the blob. */
  async function importedImage(): Promise<{ image: string; digest: Digest }> {
    const job = await place.job('running');
    const image = await place.image(null);
    await using staged = await store.stage({ writer: `${job}.1` });
    staged.end(BYTES);
    const { digest } = await staged.commit();
    await place.database.transaction(async ({ manager }) => {
      await manager.query(`UPDATE jobs SET state = 'succeeded' WHERE id = $1`, [job]);
      await manager.query('UPDATE images SET digest = $2 WHERE id = $1', [image, digest]);
    });
    return { image, digest };
  }

  async function readBack(digest: Digest): Promise<string> {
    await using blob = await store.open(digest, { holder: `download-${randomUUID()}` });
    return (await blob.read(0, 100)).toString();
  }

  test(`${ROUNDS} times: what an image refers to always has its bytes; what nothing refers to goes`, async () => {
    let rounds = 0;
    let writing = true;
    let collected = 0;
    const write = async () => {
      while (rounds++ < ROUNDS) {
        const { image, digest } = await (rounds % 2 === 0 ? uploadedImage() : importedImage());
        expect(await readBack(digest)).toBe(BYTES.toString());
        await place.deleteImage(image);
      }
    };
    const collect = async () => {
      while (writing) collected += await collectBlobs(store, ledger, collector);
    };
    const collecting = collect();
    try {
      await Promise.all(Array.from({ length: WRITERS }, write));
    } finally {
      writing = false;
      await collecting;
    }
    expect(collected).toBeGreaterThan(ROUNDS / 50); // else nothing raced
    await collectBlobs(store, ledger, collector);
    expect(await place.database.query('SELECT digest FROM blobs')).toEqual([]);
    expect(await place.database.query('SELECT digest FROM blob_pins')).toEqual([]);
    expect(await store.stagedWriters()).toEqual([]);
  });

  test('what a killed writer staged is swept when its job has ended, not before', async () => {
    const job = await place.job('running');
    const upload = `upload-${randomUUID()}`;
    for (const writer of [`${job}.1`, upload]) {
      const staged = await store.stage({ writer });
      staged.write(BYTES);
      await staged.keep();
    }
    expect(await sweepStaging(store, ledger, collector)).toBe(0);
    await place.expire(upload);
    expect(await sweepStaging(store, ledger, collector)).toBe(1);
    expect(await store.stagedWriters()).toEqual([`${job}.1`]);
    await place.endJob(job);
    expect(await sweepStaging(store, ledger, collector)).toBe(1);
    expect(await store.stagedWriters()).toEqual([]);
  });
});
