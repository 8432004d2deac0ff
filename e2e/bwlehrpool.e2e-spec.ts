import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Image, type Job } from '#libs/contracts';
import { tool, until } from '#libs/testing';
import { DOMAIN, holdingsOf, MIB, qcow2, storeImage } from '../libs/providers/bwlehrpool/test/bwlehrpool-bench.js';
import { BLOCK } from '../libs/providers/bwlehrpool/test/satellite/store.js';
import { startSatellite, type TestSatellite } from '../libs/providers/bwlehrpool/test/satellite/test-satellite.js';
import { isUnderWay, type ViceClient } from './client.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const SIZE = 7 * BLOCK + 1234;

await inBothWays('an image travels to a satellite of bwLehrpool and back', [tool('openssl')], (way) => {
  let vice: Vice;
  let ada: ViceClient;
  let satellite: TestSatellite;
  let environment: string;
  let residents: string[];
  const small = qcow2(3 * MIB);
  const big = qcow2(SIZE);
  const course = qcow2(BLOCK + MIB);

  beforeAll(async () => {
    [satellite, vice] = await Promise.all([startSatellite(), startVice(way)]);
    storeImage(satellite, course);
    residents = holdingsOf(satellite);
    ada = await vice.newUser();
    const managementlayer = { software: 'bwLehrpool' };
    const credentials = satellite.access('tls', { permissions: { link: true } });
    environment = (await ada.createEnvironment({ title: 'pool', managementlayer, credentials })).id;
  }, 180_000);

  afterAll(async () => {
    satellite?.faults.letGo();
    await vice?.[Symbol.asyncDispose]();
    await satellite?.[Symbol.asyncDispose]();
  }, 60_000);

  test('the satellite answers, says what can be imported, and no secret comes out', async () => {
    const { body } = await ada.post(`/environment/${environment}/check`);
    expect(body).toMatchObject({ ok: true, message: expect.stringContaining('Ada Lovelace') });
    const { body: images } = await ada.get(`/environment/${environment}/images`);
    expect(images).toEqual([expect.objectContaining({ name: 'Algorithms', contenttype: 'disk-qcow2', importable: true })]);
    const { text } = await ada.get(`/environment/${environment}`);
    expect(text).not.toContain(satellite.access('tls').password);
  });

  test('uploaded, deployed and imported again, it is the same byte for byte', async () => {
    const uploaded = await ada.uploadedImage(small, { title: 'Statistics' });
    const there = await deployed(uploaded.id);
    const [base] = [...satellite.store.bases.values()].filter(({ name }) => name === 'Statistics');
    expect(base).toMatchObject({ virtId: 'qemukvm', defaultPermissions: { link: true, download: false } });
    expect(satellite.store.contentOf(base!.versions[0]!).equals(small)).toBe(true);
    expect(there.receipt).toMatchObject({ size: small.length, valid: true });

    const back = await imported(there.environmentReference ?? '');
    expect(back).toMatchObject({ digest: uploaded.digest, contenttype: 'disk-qcow2', title: 'Statistics' });
    expect(back.digest).toBe(`sha256:${createHash('sha256').update(small).digest('hex')}`);
    await ada.undeploy(there.id);
    nothingOfOursIsLeft();
  });

  test('an image of the satellite keeps its machine, and brings it back', async () => {
    const [{ reference }] = (await ada.get<{ reference: string }[]>(`/environment/${environment}/images`)).body as [
      { reference: string },
    ];
    const image = await imported(reference);
    expect(image.specifics).toMatchObject({ bwlehrpool: { osName: 'Ubuntu (64 Bit)', software: ['gcc', 'gdb'] } });
    const there = await deployed(image.id);
    const [baseId = ''] = (there.environmentReference ?? '').split('/');
    const copy = satellite.store.bases.get(baseId)!;
    expect(copy).toMatchObject({ name: 'Algorithms', osId: 7, description: expect.stringContaining('For the course') });
    expect(copy.versions[0]!.machineDescription.toString()).toBe(DOMAIN);
    expect(satellite.store.contentOf(copy.versions[0]!).equals(course)).toBe(true);
    await ada.undeploy(there.id);
    nothingOfOursIsLeft();
  });

  test('an import whose worker is killed in the middle ends well, once, and fetches no block again that is there', async () => {
    const { base } = storeImage(satellite, big, { name: 'big' });
    satellite.store.asked.length = 0;
    // No more than three blocks are in hand, so that three have been passed on when five are through.
    satellite.faults.holdAfter(5 * BLOCK);
    const { id } = await ada.import(environment, base.id);
    await ada.job(`/image/${id}`, (job) => job.bytesDone >= 2 * BLOCK + MIB, 'blocks of the import have come');
    await vice.crash('import-worker');
    const before = satellite.store.asked.splice(0);
    satellite.faults.letGo();
    const image = await ada.settledImage(id);
    expect(image).toMatchObject({ status: 'ready', size: SIZE, digest: digestOf(big) });
    expect(importsOf(await ada.imageJobs(id))).toEqual([
      expect.objectContaining({ state: 'succeeded', attempt: 2, bytesDone: SIZE }),
    ]);
    expect(before.length).toBeGreaterThan(3);
    const again = satellite.store.asked.filter(({ end }) => end > 512).map(({ start }) => start);
    expect(Math.min(...again)).toBeGreaterThanOrEqual(BLOCK);
    expect(new Set(again).size).toBe(again.length);
    satellite.store.bases.delete(base.id);
    nothingOfOursIsLeft();
  }, 180_000);

  test('a deployment whose worker is killed in the middle goes on with the same upload', async () => {
    const image = await ada.uploadedImage(big, { title: 'big' });
    satellite.store.uploads.clear();
    satellite.store.asked.length = 0;
    satellite.faults.holdAfter(3 * BLOCK);
    const { id } = await ada.deploy(image.id, environment);
    await ada.job(`/deployment/${id}`, isUnderWay, 'bytes of the deployment have gone');
    const complete = () => [...satellite.store.uploads.values()][0]?.status.filter((status) => status === 0).length ?? 0;
    await until(() => complete() > 0, { what: 'the satellite has a block' });
    await vice.crash('export-worker');
    satellite.faults.letGo();
    const there = await ada.settledDeployment(id);
    expect({ ...there, jobs: await ada.deploymentJobs(id) }).toMatchObject({
      status: 'deployed',
      jobs: [{ action: 'deploy', state: 'succeeded', attempt: 2, bytesDone: SIZE }],
    });
    const [upload, ...others] = satellite.store.uploads.values();
    expect(others).toEqual([]);
    expect(there.environmentReference).toBe(`${upload!.base.id}/${upload!.token}`);
    expect([...satellite.store.bases.values()].filter(({ name }) => name === 'big')).toEqual([upload!.base]);
    expect(upload!.base.versions).toHaveLength(1);
    expect(satellite.store.contentOf(upload!.base.versions[0]!).equals(big)).toBe(true);
    // What was on its way when the worker died, over two lines, comes again; nothing else does.
    expect(satellite.store.asked.length).toBeLessThanOrEqual(8 + 2);
    await ada.undeploy(id);
    nothingOfOursIsLeft();
  }, 180_000);

  async function imported(reference: string): Promise<Image> {
    const { id } = await ada.import(environment, reference);
    const image = await ada.settledImage(id);
    expect({ status: image.status, jobs: (await ada.imageJobs(id)).map(({ error }) => error) }).toMatchObject({
      status: 'ready',
    });
    return image;
  }

  async function deployed(imageId: string) {
    const { id } = await ada.deploy(imageId, environment);
    const deployment = await ada.settledDeployment(id);
    expect({ ...deployment, jobs: await ada.deploymentJobs(id) }).toMatchObject({ status: 'deployed' });
    return deployment;
  }

  const nothingOfOursIsLeft = () => expect(holdingsOf(satellite)).toEqual(residents);
});

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const importsOf = (jobs: Job[]): Job[] => jobs.filter(({ action }) => action === 'import');
