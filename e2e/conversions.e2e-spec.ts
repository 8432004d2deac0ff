import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Job, type Variant } from '#libs/contracts';
import {
  busyboxImage,
  dockerEngine,
  openstack,
  startCloud,
  startEngine,
  tempDir,
  tool,
  type TempDir,
  type TestCloud,
  type TestEngine,
} from '#libs/testing';
import { holdingsOf, storeImage } from '../libs/providers/bwlehrpool/test/bwlehrpool-bench.js';
import { startSatellite, type TestSatellite } from '../libs/providers/bwlehrpool/test/satellite/test-satellite.js';
import { expectStatus, isUnderWay, type ViceClient } from './client.js';
import { bootToOutput } from './boot.js';
import { contentDigestOf, linuxDisk, randomDisk } from './disks.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const run = promisify(execFile);
const MIB = 2 ** 20;

await inBothWays(
  'an image is converted for the environment that it is deployed into',
  [dockerEngine('26'), openstack(), tool('qemu-img'), tool('qemu-system-x86_64'), tool('mke2fs'), tool('openssl')],
  (way) => {
    let vice: Vice;
    let ada: ViceClient;
    let engine: TestEngine;
    let cloud: TestCloud;
    let satellite: TestSatellite;
    let folder: TempDir;
    let docker: string;
    let project: string;
    let pool: string;

    beforeAll(async () => {
      [engine, cloud, satellite, vice, folder] = await Promise.all([
        startEngine('26'),
        startCloud(),
        startSatellite(),
        startVice(way),
        tempDir(),
      ]);
      ada = await vice.newUser();
      docker = (await ada.dockerEnvironment(engine.location)).id;
      const { username, password, name } = cloud.projects.vice;
      const credentials = { location: cloud.authUrl, username, password, specifics: { tenant: name } };
      project = (await ada.createEnvironment({ managementlayer: { software: 'openstack' }, credentials })).id;
      pool = (
        await ada.createEnvironment({
          managementlayer: { software: 'bwlehrpool' },
          credentials: satellite.access('tls', { permissions: { link: true } }),
        })
      ).id;
    }, 180_000);
    afterAll(async () => {
      await vice?.[Symbol.asyncDispose]();
      await Promise.all([engine, cloud, satellite, folder].map((part) => part?.[Symbol.asyncDispose]()));
    }, 60_000);

    test('a container from a Docker Engine boots from the disk that Glance holds', async () => {
      await busyboxImage(engine, 'lab/busybox:1', { greeting: 'hello from a container' });
      const image = await ada.importedImage(docker, 'lab/busybox:1');
      const deployment = await ada.deployed(image.id, project);
      expect(deployment.plan).toMatchObject([
        { kind: 'store', action: 'convert', from: 'docker-image', to: 'disk-qcow2', state: 'succeeded' },
        { kind: 'export', action: 'deploy', contenttype: 'disk-qcow2', state: 'succeeded' },
      ]);
      const disk = join(folder.path, 'container.qcow2');
      await writeFile(disk, await cloud.download(cloud.projects.vice, deployment.environmentReference!));
      await bootToOutput(disk, 'hello from a container');
      await ada.undeploy(deployment.id);
    }, 240_000);

    test('a vmdk from bwLehrpool arrives in Glance as qcow2, the same disk, converted once', async () => {
      const raw = await randomDisk(join(folder.path, 'course.raw'), 24 * MIB);
      const vmdk = join(folder.path, 'course.vmdk');
      await run('qemu-img', ['convert', '-f', 'raw', '-O', 'vmdk', raw, vmdk]);
      const { base } = storeImage(satellite, await readFile(vmdk), { name: 'Course', virtId: 'vmware' });
      const image = await ada.importedImage(pool, base.id);
      expect(image).toMatchObject({ contenttype: 'disk-vmdk', contentDigest: await contentDigestOf(raw) });

      const deployment = await ada.deployed(image.id, project);
      const qcow2 = join(folder.path, 'course.qcow2');
      await writeFile(qcow2, await cloud.download(cloud.projects.vice, deployment.environmentReference!));
      await run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', raw, qcow2]);
      const { digest, contentDigest } = image;
      expect(await variantsOf(image.id)).toMatchObject([
        { contenttype: 'disk-vmdk', digest, contentDigest },
        { contenttype: 'disk-qcow2', derivedFrom: digest, contentDigest, tool: expect.stringMatching(/^qemu-img \d/) },
      ]);

      const again = await ada.deployed(image.id, project);
      expect((await ada.deploymentJobs(again.id)).map(({ action }) => action)).toEqual(['deploy']);
      await ada.undeploy(again.id);
      await ada.undeploy(deployment.id);
      expect(await cloud.images(cloud.projects.vice)).toEqual([]);
      expect(holdingsOf(satellite)).toHaveLength(2);
    }, 180_000);

    test('a qcow2 from Glance arrives as a container on a Docker Engine, and runs', async () => {
      const bytes = await readFile(await linuxDisk(folder.path, { greeting: 'hello from a disk' }));
      const record = await cloud.createImage(cloud.projects.vice, { name: 'a machine', diskFormat: 'qcow2', bytes });
      const image = await ada.importedImage(project, record.id);
      const deployment = await ada.deployed(image.id, docker);
      expect(await engine.run(deployment.environmentReference!, ['/bin/sh', '-c', 'cat /greeting'])).toEqual({
        exitCode: 0,
        output: 'hello from a disk\n',
      });
      await ada.undeploy(deployment.id);
    }, 180_000);

    test('a store worker that is killed in the middle of a conversion loses nothing, and leaves nothing', async () => {
      const raw = await readFile(await randomDisk(join(folder.path, 'big.raw'), 192 * MIB));
      const image = await ada.uploadedImage(raw, { title: 'big', contenttype: 'disk-raw' });
      const { id } = await ada.deploy(image.id, pool, { specifics: { contenttype: 'disk-vmdk', subformat: 'streamOptimized' } });
      await ada.job(`/deployment/${id}`, (job) => job.action === 'convert' && isUnderWay(job), 'the conversion is under way');
      await vice.crash('store-worker');
      const deployment = await ada.settledDeployment(id);
      const jobs = await ada.deploymentJobs(id);
      expect({ ...deployment, jobs }).toMatchObject({
        status: 'deployed',
        jobs: [
          { action: 'deploy', state: 'succeeded' },
          { action: 'convert', state: 'succeeded', attempt: 2 },
        ],
      });
      const [original, derived] = await variantsOf(image.id);
      expect(derived).toMatchObject({ contenttype: 'disk-vmdk', contentDigest: original!.contentDigest });
      expect(await readdir(join(vice.blobs, 'staging'))).toEqual([]);
      await ada.undeploy(id);
    }, 240_000);

    test('a variant is downloaded once it is made, and the job that makes it is the answer until then', async () => {
      const raw = await randomDisk(join(folder.path, 'small.raw'), 9 * MIB);
      const image = await ada.uploadedImage(await readFile(raw), { title: 'small', contenttype: 'disk-raw' });
      const path = `/image/${image.id}/file?contenttype=disk-vmdk`;
      const first = await ada.get<Job>(path);
      expect(first).toMatchObject({ status: 202, body: { kind: 'store', action: 'convert' } });
      expect(Number(first.headers.get('retry-after'))).toBeGreaterThan(0);
      await ada.job(`/image/${image.id}`, (job) => job.state === 'succeeded' && job.action === 'convert', 'it is converted');
      const response = await fetch(`${vice.url}/v1${path}`, { headers: ada.authorization() });
      expect(response.status).toBe(200);
      const vmdk = join(folder.path, 'small.vmdk');
      await writeFile(vmdk, Buffer.from(await response.arrayBuffer()));
      await run('qemu-img', ['compare', '-f', 'raw', '-F', 'vmdk', raw, vmdk]);
      expect(await variantsOf(image.id)).toHaveLength(2);
    }, 120_000);

    test('what cannot be made of an image is refused at once, with the reason', async () => {
      const image = await ada.uploadedImage(Buffer.from('FROM scratch\nCOPY a /\n'), { contenttype: 'docker-file' });
      const refused = await ada.post('/deploy', { imageid: image.id, environmentId: project });
      expect(refused).toMatchObject({ status: 409, body: { detail: expect.stringContaining('docker-file') } });
    });

    async function variantsOf(imageId: string): Promise<Variant[]> {
      return expectStatus(200, await ada.get<Variant[]>(`/image/${imageId}/variants`));
    }
  },
);
