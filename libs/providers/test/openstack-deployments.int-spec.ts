import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type CloudLine, describeWith, lineToCloud, openstack, startCloud, type TestCloud } from '#libs/testing';
import { type DeployableImage } from '../index.js';
import { accessTo, deployable, holdingsOf, inSession, noNote, sha512, someBytes } from './openstack-bench.js';

const QUOTA = 40_000_000;
const CAP = 20_000_000;

await describeWith([openstack()], 'deploying into OpenStack', () => {
  let cloud: TestCloud;
  let line: CloudLine;
  const bytes = someBytes(3_000_320);
  beforeAll(async () => {
    cloud = await startCloud({ userQuota: QUOTA, imageSizeCap: CAP });
    line = await lineToCloud(cloud);
  }, 120_000);
  afterAll(async () => {
    await line?.[Symbol.asyncDispose]();
    await cloud?.stop();
  });
  afterEach(async () => {
    line.heal();
    const left = await holdingsOf(cloud, cloud.projects.vice);
    for (const { id } of await images()) await cloud.api(cloud.projects.vice, 'image', 'DELETE', `/v2/images/${id}`);
    expect(left).toEqual([]);
  });

  const write = (
    image: DeployableImage,
    marker: string,
    note: (reference: string) => Promise<void> = noNote,
    by: Pick<TestCloud, 'authUrl' | 'ca'> = cloud,
  ) => inSession(accessTo(by, cloud.projects.vice), (session) => session.write(image, marker, note));
  const remove = (marker: string, reference?: string) =>
    inSession(accessTo(cloud, cloud.projects.vice), (session) =>
      session.remove({ marker, title: null, specifics: {}, ...(reference !== undefined && { reference }) }),
    );
  const images = () => cloud.images(cloud.projects.vice);
  const record = (properties: JsonObject, name = 'left behind') =>
    cloud.api(cloud.projects.vice, 'image', 'POST', '/v2/images', {
      json: { name, disk_format: 'raw', container_format: 'bare', visibility: 'private', ...properties },
    });

  test('makes a private image under the marker, with what the image was known by', async () => {
    const marker = randomUUID();
    const openstackSpecifics = {
      tags: ['gpu', 'lab'],
      min_disk: 2,
      min_ram: 512,
      properties: { hw_disk_bus: 'scsi', os_distro: 'debian', os_glance_x: 'no' },
    };
    const image = deployable(bytes, {
      title: 'Däbian',
      contentType: 'disk-qcow2',
      facts: async () => ({ virtualSize: 2 ** 30 + 1 }),
      imageSpecifics: { openstack: openstackSpecifics },
      specifics: { properties: { hw_vif_model: 'e1000' } },
    });
    const receipt = await write(image, marker);
    expect(receipt).toMatchObject({ reference: marker, facts: { os_hash_value: sha512(bytes), verified: 'sha512' } });
    expect(await images()).toEqual([
      expect.objectContaining({
        id: marker,
        name: 'Däbian',
        status: 'active',
        visibility: 'private',
        disk_format: 'qcow2',
        size: bytes.length,
        min_disk: 2,
        min_ram: 512,
        tags: expect.arrayContaining(['gpu', 'lab']),
        hw_disk_bus: 'scsi',
        os_distro: 'debian',
        hw_vif_model: 'e1000',
      }),
    ]);
    expect((await images())[0]).not.toHaveProperty('os_glance_x');
    await remove(marker);
  });

  describe('after a crash', () => {
    test('between the record and the bytes, it finishes that record', async () => {
      const marker = randomUUID();
      await record({ id: marker, vice_deployment: marker });
      expect(await write(deployable(bytes), marker)).toMatchObject({ reference: marker });
      expect(await images()).toHaveLength(1);
      await remove(marker);
    });

    test('of which the record was removed, it takes another id than the one that the cloud has used up, and notes it first', async () => {
      const marker = randomUUID();
      await write(deployable(bytes), marker);
      await remove(marker);
      const noted: string[] = [];
      const { reference } = await write(deployable(bytes), marker, async (one) => void noted.push(one));
      expect(reference).not.toBe(marker);
      expect(noted).toEqual([marker, reference]);
      expect((await images()).map(({ id }) => id)).toEqual([reference]);
      await remove(marker);
    });

    test('after the bytes, it sends none again', async () => {
      const marker = randomUUID();
      await write(deployable(bytes), marker);
      line.heard.length = 0;
      await write(deployable(bytes), marker, noNote, line);
      expect(line.heard.filter((request) => request.startsWith('PUT'))).toEqual([]);
      await remove(marker);
    });

    test('it does not take other content for its own', async () => {
      const marker = randomUUID();
      await write(deployable(someBytes(bytes.length)), marker);
      await expect(write(deployable(bytes), marker)).rejects.toMatchObject({ code: 'RECEIPT_MISMATCH' });
      expect(await write(deployable(bytes), marker)).toMatchObject({ facts: { os_hash_value: sha512(bytes) } });
      await remove(marker);
    });
  });

  describe('refused', () => {
    test('over the quota: at once, with the reason, and nothing stays', async () => {
      const filler = [randomUUID(), randomUUID()];
      for (const one of filler) await write(deployable(someBytes(18_000_000)), one);
      await expect(write(deployable(someBytes(10_000_000)), randomUUID())).rejects.toMatchObject({
        code: 'ENVIRONMENT_REFUSED',
        message: expect.stringMatching(/quota/i),
      });
      for (const one of filler) await remove(one);
    });

    test('larger than the cloud takes', async () => {
      await expect(write(deployable(someBytes(CAP + 5_000_000)), randomUUID())).rejects.toMatchObject({
        code: 'ENVIRONMENT_REFUSED',
        message: expect.stringMatching(/send the image/),
      });
    });

    test('a content type that is no disk', async () => {
      await expect(write(deployable(bytes, { contentType: 'docker-image' }), randomUUID())).rejects.toMatchObject({
        code: 'NOT_DEPLOYABLE',
      });
    });

    test('a server where the cloud has no compute service, or a wish that is none', async () => {
      const wish = (boot: JsonObject) => write(deployable(bytes, { specifics: { boot } }), randomUUID());
      await expect(wish({ flavor: 'tiny' })).rejects.toMatchObject({ message: expect.stringContaining('no compute service') });
      await expect(wish({})).rejects.toMatchObject({ message: expect.stringContaining('flavor') });
      await expect(wish({ flavor: 'tiny', network: 7 })).rejects.toMatchObject({
        message: expect.stringContaining('boot.network'),
      });
    });
  });

  test('a title that Glance cannot keep is kept as far as it can', async () => {
    const marker = randomUUID();
    await write(deployable(bytes, { title: 'rocket 🚀' }), marker);
    expect((await images())[0]).toMatchObject({ name: 'rocket' });
    await remove(marker);
  });

  test('properties that were wished for are not dropped in silence', async () => {
    const image = deployable(bytes, { specifics: { properties: { broken: '🚀' } } });
    await expect(write(image, randomUUID())).rejects.toMatchObject({
      code: 'ENVIRONMENT_REFUSED',
      message: expect.stringContaining('create the image'),
    });
  });

  test('a cloud that takes no id at all is asked twice, and left in peace', async () => {
    line.heard.length = 0;
    line.fail({ to: /POST \/v2\/images$/, times: 10, answer: { status: 409 } });
    await expect(write(deployable(bytes), randomUUID(), noNote, line)).rejects.toMatchObject({ code: 'ENVIRONMENT_BUSY' });
    expect(line.heard.filter((request) => request === 'POST /v2/images')).toHaveLength(2);
  });

  test.each([404, 410])('a record that went while it was sent (%s) is for the next attempt to make anew', async (status) => {
    const marker = randomUUID();
    line.fail({ to: /PUT .*file/, answer: { status } });
    await expect(write(deployable(bytes), marker, noNote, line)).rejects.toMatchObject({ code: 'ENVIRONMENT_FAILED' });
    await remove(marker);
  });

  test('a proxy that knows nothing of being asked before an upload gets it all the same', async () => {
    const marker = randomUUID();
    line.fail({ to: /PUT .*file/, answer: { status: 417 } });
    await write(deployable(bytes), marker, noNote, line);
    await remove(marker);
  });

  test('a record that is being made when the session is ended is waited for, so that it is found when it is removed', async () => {
    const marker = randomUUID();
    const control = new AbortController();
    line.fail({ to: /POST \/v2\/images$/, edit: (text) => (control.abort(new ViceError('JOB_CANCELLED', 'cancelled')), text) });
    const writing = inSession(
      accessTo(line, cloud.projects.vice),
      (session) => session.write(deployable(bytes), marker, noNote),
      control.signal,
    );
    await expect(writing).rejects.toMatchObject({ code: 'JOB_CANCELLED' });
    expect((await images()).map(({ id }) => id)).toEqual([marker]);
    await remove(marker);
  });

  test('a cloud that chooses ids itself is found again by the marker', async () => {
    const marker = randomUUID();
    const refusal = { status: 403, body: "Attribute 'id' is reserved." };
    line.fail({ to: /POST \/v2\/images$/, answer: refusal });
    const noted: string[] = [];
    const { reference } = await write(deployable(bytes), marker, async (one) => void noted.push(one), line);
    expect(noted).toEqual([marker, reference]);
    expect((await write(deployable(bytes), marker)).reference).toBe(reference);
    await remove(marker);
  });

  test('properties that the cloud protects are left out', async () => {
    const marker = randomUUID();
    line.fail({ to: /POST \/v2\/images$/, answer: { status: 403, body: "Property 'hw_secret' is protected" } });
    const said: string[] = [];
    const image = deployable(bytes, {
      imageSpecifics: { openstack: { properties: { hw_secret: '1' } } },
      log: (text) => void said.push(text),
    });
    await write(image, marker, noNote, line);
    expect(said.join('')).toContain('hw_secret');
    expect((await images())[0]).not.toHaveProperty('hw_secret');
    await remove(marker);
  });

  test('a token that is refused in the middle is renewed, and the bytes are sent again', async () => {
    const marker = randomUUID();
    line.fail({ to: /PUT .*file/, answer: { status: 401 } });
    expect(await write(deployable(bytes), marker, noNote, line)).toMatchObject({ reference: marker });
    await remove(marker);
  });

  test('a cloud that is busy is left in peace for as long as it asks, and keeps the record for the next attempt', async () => {
    const marker = randomUUID();
    line.fail({ to: /PUT .*file/, answer: { status: 429, headers: { 'retry-after': '9' } } });
    await expect(write(deployable(bytes), marker, noNote, line)).rejects.toMatchObject({
      code: 'ENVIRONMENT_BUSY',
      retryAfter: 9,
    });
    expect(await write(deployable(bytes), marker)).toMatchObject({ reference: marker });
    await remove(marker);
  });

  test('a protected image is not removed, and the message says what to do', async () => {
    const marker = randomUUID();
    await write(deployable(bytes), marker);
    const protect = (value: boolean) =>
      cloud.api(cloud.projects.vice, 'image', 'PATCH', `/v2/images/${marker}`, {
        body: Buffer.from(JSON.stringify([{ op: 'replace', path: '/protected', value }])),
        headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
      });
    await protect(true);
    await expect(remove(marker)).rejects.toMatchObject({
      code: 'ENVIRONMENT_REFUSED',
      message: expect.stringContaining(`--unprotected ${marker}`),
    });
    await protect(false);
    await remove(marker);
  });

  test('an image that another deployment made, or the user, is never removed', async () => {
    const [one, two] = [randomUUID(), randomUUID()];
    await write(deployable(bytes), one);
    await record({ name: 'the user’s' });
    const before = await holdingsOf(cloud, cloud.projects.vice);
    await remove(two, one);
    expect(await holdingsOf(cloud, cloud.projects.vice)).toEqual(before);
    await remove(one);
    for (const { id } of await images()) await cloud.api(cloud.projects.vice, 'image', 'DELETE', `/v2/images/${id}`);
  });
});
