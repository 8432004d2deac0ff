import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { BlobLedger } from '#libs/blobs';
import { type Digest } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { LedgerPlace } from './ledger-place.js';

jest.setTimeout(30_000);

const GiB = 1 << 30;
const upload = (): string => `upload-${randomUUID()}`;
const newDigest = (): Digest => `sha256:${createHash('sha256').update(randomUUID()).digest('hex')}`;

await describeWith([postgres()], 'the ledger of the blob store', () => {
  let place: LedgerPlace;
  let ledger: BlobLedger;
  let digest: Digest;

  beforeAll(async () => {
    place = await LedgerPlace.open();
    ledger = new BlobLedger(place.ask);
  });
  afterAll(() => place[Symbol.asyncDispose]());
  beforeEach(async () => {
    await place.database.query('TRUNCATE blobs, space_reservations, jobs, images, deployments CASCADE');
    digest = newDigest();
  });

  const condemned = () => ledger.condemn(100);

  test('gives each byte of free space to one of eight writers that ask at once', async () => {
    const asked = Array.from({ length: 8 }, () => ledger.reserveSpace(upload(), 3 * GiB, { freeBytes: 10 * GiB, staged: {} }));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toMatchObject({
          code: 'STORAGE_FULL',
          message: expect.stringMatching(/10 GiB free, of which .* GiB are reserved/),
        });
      }
    }
  });

  test('counts of what is reserved only what is still to come', async () => {
    const [one, two] = [upload(), upload()];
    await ledger.reserveSpace(one, 6 * GiB, { freeBytes: 10 * GiB, staged: {} });
    await ledger.reserveSpace(one, 8 * GiB, { freeBytes: 5 * GiB, staged: { [one]: 5 * GiB } });
    await expect(ledger.reserveSpace(two, 3 * GiB, { freeBytes: 5 * GiB, staged: { [one]: 5 * GiB } })).rejects.toMatchObject({
      code: 'STORAGE_FULL',
    });
    await ledger.reserveSpace(two, 2 * GiB, { freeBytes: 5 * GiB, staged: { [one]: 5 * GiB } });
  });

  test('gives back the space of who released it, published, expired, or was followed by another attempt', async () => {
    const full = { freeBytes: GiB, staged: {} };
    const [released, published, expired] = [upload(), upload(), upload()];
    await ledger.reserveSpace(released, GiB, full);
    await ledger.release(released);
    await ledger.reserveSpace(published, GiB, full);
    await ledger.reserveBlob(published, digest, 1);
    await ledger.reserveSpace(expired, GiB, full);
    await place.expire(expired);
    const job = await place.job('running');
    await ledger.reserveSpace(`${job}.1`, GiB, full);
    await expect(ledger.reserveSpace(upload(), 1, full)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await ledger.reserveSpace(`${job}.2`, GiB, full);
    await expect(ledger.reserveSpace(`${job}.1`, GiB, full)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await place.endJob(job);
    await ledger.reserveSpace(upload(), GiB, full);
  });

  test('condemns what nothing refers to and nobody holds, and goes on until it is forgotten', async () => {
    await place.blob(digest);
    expect(await condemned()).toEqual([digest]);
    expect(await condemned()).toEqual([digest]);
    await ledger.forget([digest]);
    expect(await condemned()).toEqual([]);
    expect(await place.stateOf(digest)).toBeUndefined();
  });

  test('condemns at most as many as it is asked for', async () => {
    for (let blobs = 0; blobs < 5; blobs++) await place.blob(newDigest());
    const first = await ledger.condemn(2);
    expect(first).toHaveLength(2);
    expect(await ledger.condemn(3)).toEqual(expect.arrayContaining(first));
    expect(await ledger.condemn(10)).toHaveLength(5);
  });

  test('leaves what an image, a deployment or a live job refers to', async () => {
    const [ofImage, ofDeployment, ofJob] = [newDigest(), newDigest(), newDigest()];
    for (const each of [ofImage, ofDeployment, ofJob]) await place.blob(each);
    const image = await place.image(ofImage);
    await place.deployment(ofDeployment);
    const job = await place.job('queued', ofJob);
    expect(await condemned()).toEqual([]);
    await place.deleteImage(image);
    await place.endJob(job);
    expect((await condemned()).sort()).toEqual([ofImage, ofJob].sort());
  });

  test('leaves what is pinned, by a job while it lives, by others until they let go or expire', async () => {
    const job = await place.job('running');
    const holders = [job, `${job}.1`, upload(), `download-${randomUUID()}`];
    for (const holder of holders) {
      const pinned = newDigest();
      await place.blob(pinned);
      await ledger.pin(holder, pinned);
    }
    expect(await condemned()).toEqual([]);
    await place.endJob(job);
    expect(await condemned()).toHaveLength(2);
    await ledger.release(holders[2] ?? '');
    await place.expire(holders[3] ?? '');
    expect(await condemned()).toHaveLength(4);
  });

  test('keeps what was derived as long as its source, whichever way the conversions went', async () => {
    const [source, derived] = [newDigest(), newDigest()];
    for (const each of [source, derived]) await place.blob(each);
    await place.variant(source, source);
    await place.variant(source, derived);
    await place.variant(derived, source);
    const image = await place.image(source);
    expect(await condemned()).toEqual([]);
    await place.deleteImage(image);
    const both = await condemned();
    expect(both.sort()).toEqual([source, derived].sort());
    await ledger.forget(both);
    expect(await place.stateOf(derived)).toBeUndefined();
  });

  test('holds nothing that is going, and lets nothing refer to it', async () => {
    await place.blob(digest);
    await condemned();
    expect(await place.ask({ service: 'registry', name: 'blob.reserve' }, { writer: upload(), digest, size: 1 })).toEqual({
      state: 'wait',
    });
    await expect(ledger.pin(upload(), digest)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    await expect(place.image(digest)).rejects.toThrow('gone, or going');
    await expect(place.deployment(digest)).rejects.toThrow('gone, or going');
    await expect(place.job('queued', digest)).rejects.toThrow('gone, or going');
    await expect(ledger.pin(upload(), newDigest())).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
    await ledger.forget([digest]);
    await ledger.reserveBlob(upload(), digest, 1);
    await place.image(digest);
    expect(await place.stateOf(digest)).toBe('stored');
  });

  test('forgets only what it condemned', async () => {
    await place.blob(digest);
    await ledger.forget([digest]);
    expect(await place.stateOf(digest)).toBe('stored');
  });

  test('passes over what somebody takes hold of at that moment', async () => {
    await place.blob(digest);
    await place.database.transaction(async (tx) => {
      await tx.manager.query('SELECT FROM blobs WHERE digest = $1 FOR KEY SHARE', [digest]);
      expect(await condemned()).toEqual([]);
    });
    expect(await condemned()).toEqual([digest]);
  });

  test('lets two that hold a new blob both refer to it: neither waits for the other', async () => {
    await place.blob(digest, 'reserved');
    let runs = 0;
    let letGo = () => {};
    const bothHold = new Promise<void>((resolve) => (letGo = resolve));
    const holdAndRefer = () =>
      place.database.transaction(async (tx) => {
        await place.ledger.pinWithin(tx, upload(), digest);
        if (++runs === 2) letGo();
        await bothHold;
        await tx.manager.query(
          `INSERT INTO jobs (id, kind, queue, action, digest) VALUES ($1, 'store', 'store', 'inspect', $2)`,
          [randomUUID(), digest],
        );
      });
    await Promise.all([holdAndRefer(), holdAndRefer()]);
    expect(runs).toBe(2);
    expect(await place.stateOf(digest)).toBe('stored');
  });

  test('renews what holds still, not what has expired', async () => {
    const [live, late] = [upload(), upload()];
    const other = newDigest();
    await place.blob(digest);
    await place.blob(other);
    await ledger.pin(live, digest);
    await ledger.pin(late, other);
    await place.expire(late);
    await place.ask({ service: 'registry', name: 'hold.renew' }, { holders: [live, late] });
    expect(await condemned()).toEqual([other]);
  });

  test('knows which writers have ended', async () => {
    const [reserving, pinning, expired, unknown] = [upload(), upload(), upload(), upload()];
    for (const writer of [reserving, expired]) await ledger.reserveSpace(writer, 1, { freeBytes: GiB, staged: {} });
    await ledger.reserveBlob(pinning, digest, 1);
    await place.expire(expired);
    const queued = `${await place.job('queued')}.1`;
    const running = `${await place.job('running')}.2`;
    const ended = ['succeeded', 'failed', 'cancelled'].map(async (state) => `${await place.job(state)}.1`);
    const gone = [expired, unknown, `${randomUUID()}.1`, ...(await Promise.all(ended))];
    expect((await ledger.endedWriters([reserving, pinning, queued, running, ...gone])).sort()).toEqual(gone.sort());
  });
});
