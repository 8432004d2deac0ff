import { randomUUID } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Jobs, type ImportedBlob, type SealedEnvironment } from '#libs/contracts';
import { describeWith, tool } from '#libs/testing';
import { qcow2, storeImage } from '../../../libs/providers/bwlehrpool/test/bwlehrpool-bench.js';
import { BLOCK } from '../../../libs/providers/bwlehrpool/test/satellite/store.js';
import { startSatellite, type TestSatellite } from '../../../libs/providers/bwlehrpool/test/satellite/test-satellite.js';
import { testImportWorker, type TestImportWorker } from './test-import-worker.js';

/** No more than three blocks are in hand at once, so that the first has been passed on when four are through. */
const STAGED_BY_THEN = 4 * BLOCK;

await describeWith([tool('openssl')], 'an import that was stopped in the middle', () => {
  let satellite: TestSatellite;
  let worker: TestImportWorker;
  let environment: SealedEnvironment;

  beforeAll(async () => {
    [satellite, worker] = await Promise.all([startSatellite(), testImportWorker()]);
    const { password, ...access } = satellite.access('tls');
    environment = worker.sealed({ software: 'bwLehrpool', ...access }, password);
  });
  afterEach(() => {
    satellite.store.bases.clear();
    satellite.store.asked.length = 0;
  });
  afterAll(async () => {
    await worker?.[Symbol.asyncDispose]();
    await satellite?.[Symbol.asyncDispose]();
  });

  /** Two attempts of one job, between which something may happen. */
  async function importedInTwo(reference: string, between: () => void): Promise<Buffer> {
    const [jobId, imageId, marker] = [randomUUID(), randomUUID(), randomUUID()];
    const attempt = (number: number, isStopped: boolean) => {
      const formerWriters = number === 1 ? [] : [`${jobId}.1`];
      const payload = { imageId, environment, reference, marker, formerWriters };
      return worker.run(Jobs.importImage, payload, { jobId, attempt: number, isStopped });
    };
    satellite.faults.holdAfter(STAGED_BY_THEN);
    expect((await attempt(1, true)).outcome).toEqual({ kind: 'cancelled' });
    expect(await worker.blobs.stagedWriters()).toEqual([`${jobId}.1`]);
    satellite.faults.letGo();
    satellite.store.asked.length = 0;
    between();
    const { outcome } = await attempt(2, false);
    if (outcome.kind !== 'succeeded') throw new Error(JSON.stringify(outcome));
    expect(await worker.blobs.stagedWriters()).toEqual([]);
    const { digest } = outcome.result as unknown as ImportedBlob;
    await using blob = await worker.blobs.open(digest, { holder: `download-${randomUUID()}` });
    return await buffer(blob.stream());
  }

  const askedFrom = () => Math.min(...satellite.store.asked.filter(({ end }) => end > 512).map(({ start }) => start));

  it('goes on with what is there', async () => {
    const content = qcow2(5 * BLOCK);
    const { base } = storeImage(satellite, content);
    expect((await importedInTwo(base.id, () => undefined)).equals(content)).toBe(true);
    expect(askedFrom()).toBeGreaterThanOrEqual(BLOCK);
  });

  it('begins anew where its reference means another version by now, of as many bytes', async () => {
    const { base } = storeImage(satellite, qcow2(5 * BLOCK));
    const newer = qcow2(5 * BLOCK);
    const whole = await importedInTwo(base.id, () => void satellite.store.addVersion(base, newer));
    expect(whole.equals(newer)).toBe(true);
    expect(askedFrom()).toBe(0);
  });
});
