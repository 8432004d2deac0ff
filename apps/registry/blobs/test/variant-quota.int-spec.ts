import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { BlobLedger } from '#libs/blobs';
import { type Digest } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { LedgerPlace } from './ledger-place.js';

jest.setTimeout(30_000);

const MiB = 1 << 20;
const newDigest = (): Digest => `sha256:${createHash('sha256').update(randomUUID()).digest('hex')}`;

await describeWith([postgres()], 'what was derived', () => {
  let place: LedgerPlace;
  let ledger: BlobLedger;
  let original: Digest;

  beforeAll(async () => {
    place = await LedgerPlace.open();
    ledger = new BlobLedger(place.ask);
  });
  afterAll(() => place[Symbol.asyncDispose]());
  beforeEach(async () => {
    await place.database.query('TRUNCATE blobs, jobs, images, deployments CASCADE');
    place.config.variantQuotaBytes = null;
    original = newDigest();
    await place.blob(original);
    await place.image(original);
  });

  const condemned = () => ledger.condemn(100);

  /** Derived from the original, last used so many hours ago. */
  async function derived(hours: number, size = MiB, recipe?: string): Promise<Digest> {
    const variant = newDigest();
    await place.blob(variant);
    await place.variant(original, variant, recipe);
    await place.database.query('UPDATE blobs SET size = $2 WHERE digest = $1', [variant, size]);
    await place.database.query(`UPDATE variants SET last_used_at = now() - $2 * interval '1 hour' WHERE digest = $1`, [
      variant,
      hours,
    ]);
    return variant;
  }

  test('stays where there is no quota, and where it keeps within', async () => {
    await Promise.all([derived(1), derived(2)]);
    expect(await condemned()).toEqual([]);
    place.config.variantQuotaBytes = 2 * MiB;
    expect(await condemned()).toEqual([]);
  });

  test('goes beyond the quota, what was not used for longest first, and the original never', async () => {
    const [, , third, fourth] = [await derived(1), await derived(2), await derived(3), await derived(4)];
    place.config.variantQuotaBytes = 2 * MiB + 1;
    expect((await condemned()).sort()).toEqual([third, fourth].sort());
    expect(await place.database.query('SELECT FROM variants WHERE digest = ANY ($1)', [[third, fourth]])).toEqual([]);
    await ledger.forget([third, fourth]);
    expect(await condemned()).toEqual([]);
    place.config.variantQuotaBytes = 0;
    expect(await condemned()).toHaveLength(2);
    expect(await place.stateOf(original)).toBe('stored');
  });

  test('goes where it alone is larger than the quota, and drives out no other, even while it is in use', async () => {
    const [small, large, pinned] = [await derived(4), await derived(1, 3 * MiB), await derived(2, 3 * MiB)];
    await ledger.pin(`download-${randomUUID()}`, pinned);
    place.config.variantQuotaBytes = 2 * MiB;
    expect(await condemned()).toEqual([large]);
    expect(await place.stateOf(small)).toBe('stored');
  });

  test('stays for ten minutes after it was made or used, however large it is; others go in its stead', async () => {
    const [made, used, old] = [await derived(0, 3 * MiB), await derived(0), await derived(1)];
    await place.database.query(`UPDATE variants SET last_used_at = now() - interval '9 minutes' WHERE digest = $1`, [used]);
    place.config.variantQuotaBytes = MiB;
    expect(await condemned()).toEqual([old]);
    await ledger.forget([old]);
    place.config.variantQuotaBytes = 0;
    expect(await condemned()).toEqual([]);
    await place.database.query(`UPDATE variants SET last_used_at = last_used_at - interval '2 minutes'`);
    expect(await condemned()).toEqual([used]);
    await place.database.query(`UPDATE variants SET last_used_at = last_used_at - interval '9 minutes'`);
    expect(await condemned()).toEqual([used, made]);
  });

  describe('goes not before what was made of it', () => {
    test('however long ago it was used itself: it goes after that, or with it', async () => {
      const [first, second, third] = [
        await derived(9, MiB, 'a/1'),
        await derived(3, MiB, 'a/1+b/1'),
        await derived(2, MiB, 'a/1+b/1+c/1'),
      ];
      const other = await derived(4, MiB, 'a/10');
      place.config.variantQuotaBytes = 3 * MiB;
      expect(await condemned()).toEqual([other]);
      await ledger.forget([other]);
      place.config.variantQuotaBytes = 2 * MiB;
      expect(await condemned()).toEqual([third]);
      await ledger.forget([third]);
      place.config.variantQuotaBytes = 0;
      expect((await condemned()).sort()).toEqual([first, second].sort());
    });

    test('while that is new, pinned, or an original too', async () => {
      for (const [name, keep] of Object.entries({
        made: (heir: Digest) => place.database.query('UPDATE variants SET last_used_at = now() WHERE digest = $1', [heir]),
        pinned: (heir: Digest) => ledger.pin(`download-${randomUUID()}`, heir),
        original: (heir: Digest) => place.image(heir),
      })) {
        await derived(9, MiB, `${name}/1`);
        await keep(await derived(8, MiB, `${name}/1+b/1`));
      }
      place.config.variantQuotaBytes = 0;
      expect(await condemned()).toEqual([]);
    });

    test('even where somebody takes hold of that at that moment', async () => {
      const [first, second] = [await derived(9, MiB, 'a/1'), await derived(8, MiB, 'a/1+b/1')];
      place.config.variantQuotaBytes = 0;
      await place.database.transaction(async (tx) => {
        await place.ledger.pinWithin(tx, `download-${randomUUID()}`, second);
        expect(await condemned()).toEqual([]);
      });
      expect(await place.stateOf(first)).toBe('stored');
    });

    test('and takes that along where it alone is larger than the quota', async () => {
      const [large, small, other] = [await derived(9, 3 * MiB, 'a/1'), await derived(1, MiB, 'a/1+b/1'), await derived(8)];
      place.config.variantQuotaBytes = 2 * MiB;
      expect((await condemned()).sort()).toEqual([large, small].sort());
      expect(await place.stateOf(other)).toBe('stored');
    });
  });

  test('stays no longer than its original, however new it is', async () => {
    const variant = await derived(0);
    await place.database.query('DELETE FROM images');
    expect((await condemned()).sort()).toEqual([original, variant].sort());
  });

  test('stays while it is pinned, a live job works with it, or it is an original too; and others go in its stead', async () => {
    const [free, pinned, worked, image, exported] = [
      await derived(1),
      await derived(2),
      await derived(3),
      await derived(4),
      await derived(5),
    ];
    await ledger.pin(`download-${randomUUID()}`, pinned);
    const job = await place.job('queued', worked);
    await place.image(image);
    await place.deployment(exported);
    place.config.variantQuotaBytes = 2 * MiB;
    expect(await condemned()).toEqual([free]);
    await ledger.forget([free]);
    place.config.variantQuotaBytes = 0;
    expect(await condemned()).toEqual([]);
    await place.endJob(job);
    expect(await condemned()).toEqual([worked]);
  });

  test('is not condemned where somebody takes hold of it at that moment', async () => {
    const variant = await derived(1);
    place.config.variantQuotaBytes = 0;
    await place.database.transaction(async (tx) => {
      await place.ledger.pinWithin(tx, `download-${randomUUID()}`, variant);
      expect(await condemned()).toEqual([]);
    });
    expect(await condemned()).toEqual([]);
  });
});
