import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type CloudImage, type CloudLine, describeWith, lineToCloud, openstack, startCloud, type TestCloud } from '#libs/testing';
import { isResumable, type RemoteImage } from '../index.js';
import { accessTo, bytesOf, inSession, sha512, someBytes } from './openstack-bench.js';

const SIZE = 6_000_000;
const FILE = /GET \/v2\/images\/.*\/file/;
const PAGE = '<html><head><title>Oops</title></head><body><h1>Maintenance</h1>back at noon</body></html>';

await describeWith([openstack()], 'importing from OpenStack', () => {
  let cloud: TestCloud;
  let line: CloudLine;
  let bytes: Buffer;
  let disk: CloudImage;
  beforeAll(async () => {
    cloud = await startCloud({ tokenTtl: 10 });
    line = await lineToCloud(cloud);
    bytes = someBytes(SIZE);
    const properties = { hw_disk_bus: 'scsi', os_distro: 'debian' };
    disk = await cloud.createImage(cloud.projects.vice, { name: 'Debian 12', diskFormat: 'qcow2', bytes, properties });
  }, 120_000);
  afterAll(async () => {
    await line?.[Symbol.asyncDispose]();
    await cloud?.stop();
  });

  afterEach(() => line.heal());

  const describeOf = (reference: string) =>
    inSession(accessTo(cloud, cloud.projects.vice), (session) => session.describe(reference));
  const read = (image?: RemoteImage) =>
    inSession(accessTo(line, cloud.projects.vice), async (session) =>
      bytesOf(await session.read(image ?? (await session.describe(disk.id)))),
    );
  const fileRequests = () => line.heard.filter((request) => FILE.test(request));

  test('tells all that Glance knows of an image, by id and by name', async () => {
    const byId = await describeOf(disk.id);
    expect(byId).toMatchObject({
      reference: disk.id,
      name: 'Debian 12',
      contentType: 'disk-qcow2',
      size: SIZE,
      checksums: { sha512: sha512(bytes) },
      metadata: {
        disk_format: 'qcow2',
        container_format: 'bare',
        os_hash_value: sha512(bytes),
        min_disk: 0,
        min_ram: 0,
        properties: { hw_disk_bus: 'scsi', os_distro: 'debian' },
      },
    });
    expect(await describeOf('Debian 12')).toEqual(byId);
  });

  test('a name that several images have, or one with signs of the query language, is told apart', async () => {
    const { vice } = cloud.projects;
    const twins = [
      await cloud.createImage(vice, { name: 'twin', bytes }),
      await cloud.createImage(vice, { name: 'twin', bytes }),
    ];
    await expect(describeOf('twin')).rejects.toMatchObject({
      code: 'REMOTE_IMAGE_NOT_FOUND',
      message: expect.stringContaining(twins[0]!.id),
    });
    for (const name of ['in:a,b', 'ubuntu:22.04', 'neq:"quoted"', 'Solo', 'solo']) {
      const { id } = await cloud.createImage(vice, { name, bytes });
      expect((await describeOf(name)).reference).toBe(id);
    }
    await expect(describeOf('SOLO')).rejects.toMatchObject({ code: 'REMOTE_IMAGE_NOT_FOUND' });
  });

  test.each([
    ['raw', 'disk-raw'],
    ['vmdk', 'disk-vmdk'],
  ])('%s is %s', async (diskFormat, contentType) => {
    const { id } = await cloud.createImage(cloud.projects.vice, { name: diskFormat, diskFormat, bytes });
    expect(await describeOf(id)).toMatchObject({ contentType });
  });

  test.each([
    ['iso', 'bare', 'disk format is iso'],
    ['raw', 'docker', 'container format is docker'],
  ])('%s in %s is refused, and listed as not importable with the reason', async (diskFormat, containerFormat, reason) => {
    const { id } = await cloud.createImage(cloud.projects.vice, { name: 'odd', diskFormat, containerFormat, bytes });
    await expect(describeOf(id)).rejects.toMatchObject({ code: 'ENVIRONMENT_REFUSED', message: expect.stringContaining(reason) });
    const { images } = await inSession(accessTo(cloud, cloud.projects.vice), (session) => session.list());
    expect(images).toContainEqual(
      expect.objectContaining({ reference: id, importable: false, reason: expect.stringContaining(reason) }),
    );
  });

  test('an image without data yet is waited for', async () => {
    const { id } = await cloud.createImage(cloud.projects.vice, { name: 'to come' });
    await expect(describeOf(id)).rejects.toMatchObject({ code: 'ENVIRONMENT_BUSY', message: expect.stringContaining('queued') });
  });

  test('lists more images than fit a page', async () => {
    const { other } = cloud.projects;
    for (let count = 0; count < 103; count++) await cloud.createImage(other, { name: `image ${count}` });
    const pages = await inSession(accessTo(cloud, other), async (session) => {
      const first = await session.list();
      return [first, await session.list(first.next ?? '')];
    });
    expect(pages.map(({ images }) => images.length)).toEqual([100, 3]);
    expect(pages[1]!.next).toBeNull();
    await expect(inSession(accessTo(cloud, other), (session) => session.list('no-page'))).rejects.toMatchObject({
      code: 'INVALID_QUERY',
    });
  });

  describe('where the line breaks in the middle', () => {
    test('reads on from there, without a byte twice', async () => {
      line.heard.length = 0;
      line.fail({ to: FILE, breakAfter: 2_000_000 });
      line.fail({ to: FILE, breakAfter: 1_000_000 });
      expect((await read()).equals(bytes)).toBe(true);
      const ranges = fileRequests().map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0));
      expect(ranges).toHaveLength(3);
      expect(ranges).toEqual([...ranges].sort((a, b) => a - b));
      expect(ranges[2]).toBeGreaterThan(1_000_000);
    });

    test('gives up when nothing comes any more', async () => {
      const image = await describeOf(disk.id);
      line.fail({ to: FILE, breakAfter: 2_000_000 });
      line.fail({ to: FILE, breakAfter: 0, times: 10 });
      await expect(read(image)).rejects.toMatchObject({ code: 'ENVIRONMENT_UNREACHABLE' });
    }, 60_000);

    test('a later attempt reads on from what was kept', async () => {
      const rest = await inSession(accessTo(cloud, cloud.projects.vice), async (session) => {
        if (!isResumable(session)) throw new Error('it must be resumable');
        return bytesOf(await session.readFrom(await session.describe(disk.id), 4_000_000));
      });
      expect(rest.equals(bytes.subarray(4_000_000))).toBe(true);
    });

    test('a line that falls silent counts as broken after 30 seconds', async () => {
      line.fail({ to: FILE, holdAfter: 2_000_000 });
      expect((await read()).equals(bytes)).toBe(true);
    }, 60_000);
  });

  describe('where the cloud answers otherwise', () => {
    test('a token that is refused in the middle is renewed', async () => {
      line.fail({ to: FILE, breakAfter: 2_000_000 });
      line.fail({ to: /file$/, answer: { status: 401 } });
      expect((await read()).equals(bytes)).toBe(true);
    });

    test('a token that ran out is renewed before it is asked with', async () => {
      await inSession(accessTo(line, cloud.projects.vice), async (session) => {
        await session.check();
        const logins = () => line.heard.filter((request) => request === 'POST /v3/auth/tokens').length;
        const before = logins();
        await session.check();
        expect(logins()).toBe(before);
        const end = performance.now() + 8_500;
        while (performance.now() < end) await session.list();
        expect(logins()).toBeGreaterThan(before);
      });
    }, 60_000);

    test.each<[what: string, status: number, headers: Record<string, string>, code: string, retryAfter: number | undefined]>([
      ['too many requests', 429, { 'retry-after': '17' }, 'ENVIRONMENT_BUSY', 17],
      ['unavailable', 503, {}, 'ENVIRONMENT_BUSY', undefined],
      ['an error of its own', 500, {}, 'ENVIRONMENT_FAILED', undefined],
      ['forbidden', 403, {}, 'ENVIRONMENT_REFUSED', undefined],
      ['a page of HTML with a status of success', 200, { 'content-type': 'text/html' }, 'ENVIRONMENT_FAILED', undefined],
    ])('%s', async (_, status, headers, code, retryAfter) => {
      const image = await describeOf(disk.id);
      line.fail({ to: FILE, answer: { status, headers, body: PAGE } });
      const failed = read(image);
      await expect(failed).rejects.toMatchObject({ code, ...(retryAfter !== undefined && { retryAfter }) });
      line.fail({ to: /GET \/v2\/images\/[^/]*$/, answer: { status, headers, body: PAGE } });
      const asked = inSession(accessTo(line, cloud.projects.vice), (session) => session.describe(disk.id));
      await expect(asked).rejects.toMatchObject({ code, message: expect.stringContaining('Maintenance') });
    });
  });
});
