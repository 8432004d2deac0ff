import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lineToCloud, nova, startCloud, type CloudLine, type CloudServer, type TestCloud } from '#libs/testing';
import { isUnderWay, type ViceClient } from './client.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const MIB = 2 ** 20;

await inBothWays('a server of OpenStack', [nova()], (way) => {
  let vice: Vice;
  let ada: ViceClient;
  let cloud: TestCloud;
  let line: CloudLine;
  let server: CloudServer;
  let environment: string;
  let before: string[];

  beforeAll(async () => {
    cloud = await startCloud();
    await cloud.addNova();
    const project = cloud.projects.vice;
    const disk = await cloud.createImage(project, { name: 'disk', bytes: Buffer.alloc(16 * MIB, 1) });
    server = await cloud.bootServer(project, disk.id, 'lab machine');
    line = await lineToCloud(cloud);
    vice = await startVice(way);
    ada = await vice.newUser();
    const { username, password, name } = project;
    const specifics = { tenant: name, region: cloud.region };
    const credentials = { location: line.authUrl, username, password, specifics };
    environment = (await ada.createEnvironment({ managementlayer: { software: 'openstack' }, credentials })).id;
    before = await contents();
  }, 300_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([line, cloud].map((part) => part?.[Symbol.asyncDispose]()));
  }, 60_000);

  test('is imported by a snapshot, of which nothing stays, also when the worker is killed in the middle', async () => {
    line.fail({ to: /GET .*\/file$/, holdAfter: MIB });
    const { id } = await ada.import(environment, `server:${server.id}`);
    await ada.job(`/image/${id}`, isUnderWay, 'bytes of the snapshot have come');
    await vice.crash('import-worker');
    line.heal();
    const image = await ada.settledImage(id);
    expect({ ...image, jobs: await ada.imageJobs(id) }).toMatchObject({
      status: 'ready',
      title: 'lab machine',
      contenttype: 'disk-qcow2',
    });
    expect(await contents()).toEqual(before);
  }, 180_000);

  test('is started from a deployment, and goes with it', async () => {
    const image = await ada.uploadedImage(Buffer.alloc(16 * MIB, 2), { title: 'From ViCE', contenttype: 'disk-raw' });
    const { id } = await ada.deploy(image.id, environment, { specifics: { boot: { flavor: 'tiny', network: 'none' } } });
    const deployment = await ada.settledDeployment(id);
    expect({ ...deployment, jobs: await ada.deploymentJobs(id) }).toMatchObject({
      status: 'deployed',
      receipt: { verified: 'sha512', server: { name: 'From ViCE', status: 'ACTIVE' } },
    });
    expect((await contents()).filter((one) => one.includes('From ViCE'))).toHaveLength(2);
    await ada.undeploy(id);
    expect(await contents()).toEqual(before);
  }, 180_000);

  async function contents(): Promise<string[]> {
    const images = await cloud.images(cloud.projects.vice);
    const answer = await cloud.api(cloud.projects.vice, 'compute', 'GET', '/servers/detail');
    const { servers } = answer.json<{ servers: CloudServer[] }>();
    return [...images, ...servers].map(({ id, name, status }) => `${name} ${id} ${status}`).sort();
  }
});
