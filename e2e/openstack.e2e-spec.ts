import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Image } from '#libs/contracts';
import {
  lineToCloud,
  openstack,
  startCloud,
  type CloudImage,
  type CloudLine,
  type CloudProject,
  type TestCloud,
} from '#libs/testing';
import { buildQcow2 } from '#libs/testing/images';
import { expectStatus, isUnderWay, type ViceClient } from './client.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const MIB = 2 ** 20;
const BIG = 48 * MIB;
/** Where a transfer of the big image is stopped. */
const MIDDLE = 16 * MIB;

await inBothWays('an image travels between two OpenStack projects', [openstack()], (way) => {
  let vice: Vice;
  let ada: ViceClient;
  let cloud: TestCloud;
  let line: CloudLine;
  let from: string;
  let to: string;
  let disk: CloudImage;
  let big: CloudImage;

  beforeAll(async () => {
    [cloud, vice] = await Promise.all([startCloud({ tokenTtl: 20 }), startVice(way)]);
    line = await lineToCloud(cloud);
    const { vice: first, other: second } = cloud.projects;
    const properties = { hw_disk_bus: 'scsi', os_distro: 'debian' };
    const bytes = buildQcow2({ clusters: ['data', 'zero', 'unallocated', 'data'] });
    disk = await cloud.createImage(first, { name: 'Debian 12', diskFormat: 'qcow2', bytes, properties });
    big = await cloud.createImage(first, { name: 'big', bytes: Buffer.alloc(BIG, 'a big disk ') });
    ada = await vice.newUser();
    from = await registered(first);
    to = await registered(second);
  }, 180_000);
  afterEach(() => line.heal());
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([line, cloud].map((part) => part?.[Symbol.asyncDispose]()));
  }, 60_000);

  test('both projects answer, and say what can be imported', async () => {
    for (const id of [from, to]) {
      expect(expectStatus(200, await ada.post(`/environment/${id}/check`))).toMatchObject({ ok: true });
    }
    expect(expectStatus(200, await ada.get(`/environment/${from}/images`))).toContainEqual(
      expect.objectContaining({ reference: disk.id, name: 'Debian 12', contenttype: 'disk-qcow2', importable: true }),
    );
  });

  test('from the first by way of the registry into the second and back, with the checksums that Glance itself reports', async () => {
    const imported = await importedImage(from, 'Debian 12');
    expect(imported).toMatchObject({ title: 'Debian 12', contenttype: 'disk-qcow2', size: disk.size });
    expect(imported.specifics).toMatchObject({ openstack: { properties: { hw_disk_bus: 'scsi', os_distro: 'debian' } } });

    const there = await deployed(imported.id, to);
    const arrived = await recordOf(cloud.projects.other, there.environmentReference);
    expect(arrived).toMatchObject({ ...proofOf(disk), disk_format: 'qcow2', hw_disk_bus: 'scsi', os_distro: 'debian' });
    expect(there.receipt).toMatchObject({ os_hash_value: disk.os_hash_value, verified: 'sha512' });

    const again = await importedImage(to, arrived.id);
    expect(again.digest).toBe(imported.digest);
    const back = await deployed(again.id, from);
    expect(await recordOf(cloud.projects.vice, back.environmentReference)).toMatchObject(proofOf(disk));

    await ada.undeploy(back.id);
    await ada.undeploy(there.id);
    await nothingOfOursIsLeft();
  }, 120_000);

  test('an import whose worker is killed in the middle ends well, once, and fetches no byte twice', async () => {
    line.heard.length = 0;
    line.fail({ to: /GET .*\/file$/, holdAfter: MIDDLE });
    const { id } = await ada.import(from, big.id);
    await ada.job(`/image/${id}`, isUnderWay, 'bytes of the import have come');
    await vice.crash('import-worker');
    line.letGo();
    expect(await ada.settledImage(id)).toMatchObject({ status: 'ready', size: BIG });
    const imports = (await ada.imageJobs(id)).filter((job) => job.action === 'import');
    expect(imports).toEqual([expect.objectContaining({ state: 'succeeded', attempt: 2, bytesDone: BIG })]);
    const [, second] = line.heard.filter((request) => request.includes('/file'));
    expect(second).toMatch(/bytes=\d+-$/);
  }, 120_000);

  test('a deployment whose worker is killed in the middle ends well, once', async () => {
    const { id: imageId } = await importedImage(from, big.id);
    line.fail({ to: /PUT .*\/file$/, holdAfter: MIDDLE });
    const { id } = await ada.deploy(imageId, to);
    await ada.job(`/deployment/${id}`, isUnderWay, 'bytes of the deployment have gone');
    await vice.crash('export-worker');
    line.letGo();
    const there = await ada.settledDeployment(id);
    expect({ ...there, jobs: await ada.deploymentJobs(id) }).toMatchObject({ status: 'deployed', jobs: [{ attempt: 2 }] });
    expect(await cloud.images(cloud.projects.other)).toEqual([
      expect.objectContaining({ id: there.environmentReference, ...proofOf(big) }),
    ]);
    await ada.undeploy(id);
    await nothingOfOursIsLeft();
  }, 120_000);

  test('no password or token is in any answer or log', () => {
    for (const { password } of [cloud.projects.vice, cloud.projects.other]) {
      expect(vice.heard.join('\n')).not.toContain(password);
      expect(vice.logs()).not.toContain(password);
    }
    expect(vice.logs()).not.toMatch(/gAAAAA/);
  });

  async function registered(project: CloudProject): Promise<string> {
    const { id } = await ada.createEnvironment({
      title: project.name,
      managementlayer: { software: 'OpenStack' },
      credentials: {
        location: line.authUrl,
        username: project.username,
        password: project.password,
        specifics: { TenantName: project.name, Region: cloud.region, Domain: project.domain },
      },
    });
    return id;
  }

  async function importedImage(environment: string, reference: string): Promise<Image> {
    const { id } = await ada.import(environment, reference);
    const image = await ada.settledImage(id);
    expect({ ...image, jobs: await ada.imageJobs(id) }).toMatchObject({ status: 'ready' });
    return image;
  }

  async function deployed(imageId: string, environmentId: string) {
    const { id } = await ada.deploy(imageId, environmentId);
    const deployment = await ada.settledDeployment(id);
    expect({ ...deployment, jobs: await ada.deploymentJobs(id) }).toMatchObject({ status: 'deployed' });
    return deployment;
  }

  async function recordOf(project: CloudProject, id: string | null): Promise<CloudImage> {
    const found = (await cloud.images(project)).find((image) => image.id === id);
    if (!found) throw new Error(`the project ${project.name} has no image ${id}`);
    return found;
  }

  async function nothingOfOursIsLeft(): Promise<void> {
    expect((await cloud.images(cloud.projects.vice)).map(({ id }) => id).sort()).toEqual([big.id, disk.id].sort());
    expect(await cloud.images(cloud.projects.other)).toEqual([]);
  }
});

/** What Glance itself computed of the content. */
const proofOf = ({ size, checksum, os_hash_algo, os_hash_value }: CloudImage) => ({
  status: 'active',
  size,
  checksum,
  os_hash_algo,
  os_hash_value,
});
