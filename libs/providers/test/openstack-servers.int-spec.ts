import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { describeWith, nova, startCloud, until, type CloudServer, type TestCloud } from '#libs/testing';
import { isPreparing, type PreparingSession } from '../index.js';
import { accessTo, bytesOf, deployable, holdingsOf, inSession, noNote } from './openstack-bench.js';

const MIB = 2 ** 20;

await describeWith([nova()], 'servers of OpenStack', () => {
  let cloud: TestCloud;
  let server: CloudServer;
  let before: string[];
  beforeAll(async () => {
    cloud = await startCloud();
    await cloud.addNova();
    const { vice } = cloud.projects;
    const { id } = await cloud.createImage(vice, { name: 'disk', bytes: Buffer.alloc(16 * MIB) });
    server = await cloud.bootServer(vice, id, 'lab machine');
    before = await holdings();
  }, 300_000);
  afterAll(() => cloud?.stop());

  const holdings = async () => [
    ...(await holdingsOf(cloud, cloud.projects.vice)),
    ...(await servers()).map(({ id, name }) => `${id} ${name}`),
  ];
  const servers = async () =>
    (await cloud.api(cloud.projects.vice, 'compute', 'GET', '/servers/detail')).json<{ servers: CloudServer[] }>().servers;
  const within = <T>(work: (session: PreparingSession) => Promise<T>) =>
    inSession(accessTo(cloud, cloud.projects.vice), async (session) => {
      if (!isPreparing(session)) throw new Error('it must prepare');
      return work(session);
    });
  const deploy = (marker: string, boot: JsonObject, bytes = Buffer.alloc(16 * MIB)) =>
    within((session) => session.write(deployable(bytes, { title: 'From ViCE', specifics: { boot } }), marker, noNote));
  const remove = (marker: string) => within((session) => session.remove({ marker, title: null, specifics: { boot: {} } }));

  test('are listed behind the images', async () => {
    const { images } = await within(async (session) => session.list((await session.list()).next ?? ''));
    expect(images).toEqual([
      expect.objectContaining({ reference: `server:${server.id}`, name: 'lab machine', importable: true }),
    ]);
  });

  test('are imported by a snapshot, which is taken once and of which nothing stays', async () => {
    const marker = randomUUID();
    const reference = `server:${server.id}`;
    await within(async (session) => {
      expect([reference, 'lab machine'].map((one) => session.needsPreparation(one))).toEqual([true, false]);
      const first = await session.prepare(reference, marker);
      expect(first).toMatchObject({ name: 'lab machine', contentType: 'disk-qcow2' });
      expect(await session.prepare(reference, marker)).toEqual(first);
      expect((await session.list()).images.map(({ name }) => name)).toEqual(['disk']);
      const bytes = await bytesOf(await session.read(first));
      expect(bytes).toHaveLength(first.size ?? 0);
      expect(bytes.subarray(0, 4).toString('latin1')).toBe('QFI\xfb');
      await session.dispose(marker);
      await session.dispose(marker);
    });
    expect(await holdings()).toEqual(before);
  }, 120_000);

  test('that are not there are named', async () => {
    const missing = randomUUID();
    await expect(within((session) => session.prepare(`server:${missing}`, randomUUID()))).rejects.toMatchObject({
      code: 'REMOTE_IMAGE_NOT_FOUND',
      message: expect.stringContaining(missing),
    });
  });

  test('are started from a deployment, once, and go with it', async () => {
    const marker = randomUUID();
    const receipt = await deploy(marker, { flavor: 'tiny' });
    expect(receipt.facts).toMatchObject({ verified: 'sha512', server: { name: 'From ViCE', status: 'ACTIVE' } });
    expect(await deploy(marker, { flavor: 'tiny' })).toEqual(receipt);
    expect((await servers()).map(({ name }) => name).sort()).toEqual(['From ViCE', 'lab machine']);
    await remove(marker);
    await remove(marker);
    expect(await holdings()).toEqual(before);
  }, 180_000);

  test('that a user started from a deployed image, and snapshots of them, stay when it is removed', async () => {
    const { vice } = cloud.projects;
    const marker = randomUUID();
    const { reference } = await within((session) => session.write(deployable(Buffer.alloc(16 * MIB)), marker, noNote));
    const own = await cloud.bootServer(vice, reference, 'own');
    const precious = await cloud.snapshot(vice, own.id, 'precious');
    await remove(marker);
    expect((await cloud.images(vice)).map(({ name }) => name).sort()).toEqual(['disk', 'precious']);
    await cloud.api(vice, 'compute', 'DELETE', `/servers/${own.id}`);
    await cloud.api(vice, 'image', 'DELETE', `/v2/images/${precious.id}`);
    await until(async () => (await servers()).length === 1, { what: 'the server is gone', timeout: 60_000 });
  }, 180_000);

  test.each<[what: string, boot: JsonObject, message: RegExp]>([
    ['a flavor', { flavor: 'huge' }, /no flavor "huge".*it has tiny/],
    ['a network', { flavor: 'tiny', network: 'campus' }, /no network "campus"/],
    ['a key', { flavor: 'tiny', network: 'none', keyName: 'ada' }, /key_name/],
  ])('that wish for %s that is not there are refused with the reason, and nothing stays', async (_, boot, message) => {
    await expect(deploy(randomUUID(), boot, Buffer.alloc(MIB))).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
    expect(await holdings()).toEqual(before);
  });
});
