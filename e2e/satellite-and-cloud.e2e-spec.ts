import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openstack, startCloud, tool, type TestCloud } from '#libs/testing';
import { holdingsOf, MIB, qcow2, storeImage } from '../libs/providers/bwlehrpool/test/bwlehrpool-bench.js';
import { startSatellite, type TestSatellite } from '../libs/providers/bwlehrpool/test/satellite/test-satellite.js';
import { type ViceClient } from './client.js';
import { inBothWays, startVice, type Vice } from './vice.js';

await inBothWays(
  'an image travels from a satellite of bwLehrpool into OpenStack and back',
  [tool('openssl'), openstack()],
  (way) => {
    let vice: Vice;
    let ada: ViceClient;
    let cloud: TestCloud;
    let satellite: TestSatellite;
    let pool: string;
    let project: string;
    const disk = qcow2(20 * MIB);

    beforeAll(async () => {
      [satellite, cloud, vice] = await Promise.all([startSatellite(), startCloud(), startVice(way)]);
      ada = await vice.newUser();
      pool = (
        await ada.createEnvironment({
          managementlayer: { software: 'bwlehrpool' },
          credentials: satellite.access('tls', { permissions: { link: true } }),
        })
      ).id;
      const { username, password, name } = cloud.projects.vice;
      const credentials = { location: cloud.authUrl, username, password, specifics: { tenant: name } };
      project = (await ada.createEnvironment({ managementlayer: { software: 'openstack' }, credentials })).id;
    }, 180_000);
    afterAll(async () => {
      await vice?.[Symbol.asyncDispose]();
      await Promise.all([satellite, cloud].map((part) => part?.[Symbol.asyncDispose]()));
    }, 60_000);

    test('byte for byte, and nothing of ours stays', async () => {
      const { base } = storeImage(satellite, disk, { name: 'Algorithms' });
      const residents = holdingsOf(satellite);
      const course = await ada.importedImage(pool, base.id);

      const inCloud = await ada.deployed(course.id, project);
      const [record] = await cloud.images(cloud.projects.vice);
      const sha512 = createHash('sha512').update(disk).digest('hex');
      expect(record).toMatchObject({ id: inCloud.environmentReference, disk_format: 'qcow2', os_hash_value: sha512 });

      const back = await ada.importedImage(project, record!.id);
      expect(back.digest).toBe(course.digest);
      const inPool = await ada.deployed(back.id, pool);
      const [baseId = ''] = (inPool.environmentReference ?? '').split('/');
      expect(satellite.store.contentOf(satellite.store.bases.get(baseId)!.versions[0]!).equals(disk)).toBe(true);

      await ada.undeploy(inPool.id);
      await ada.undeploy(inCloud.id);
      expect(holdingsOf(satellite)).toEqual(residents);
      expect(await cloud.images(cloud.projects.vice)).toEqual([]);
    }, 120_000);
  },
);
