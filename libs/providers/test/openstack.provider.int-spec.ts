import { Metrics } from '#libs/observability';
import { describeWith, openstack, startCloud, type CloudOptions } from '#libs/testing';
import { Providers } from '../index.js';
import { accessTo, holdingsOf, someBytes } from './openstack-bench.js';
import { providerSuite } from './provider.suite.js';

/** Each way in which clouds answer. */
const CLOUDS: readonly (readonly [name: string, options: CloudOptions])[] = [
  ['that closes each connection', { glanceMode: 'uwsgi' }],
  ['that keeps connections', { glanceMode: 'eventlet' }],
  ['behind TLS', { tls: true }],
];

for (const [name, options] of CLOUDS) {
  await describeWith([openstack()], `OpenStack ${name}`, () => {
    providerSuite(`OpenStack ${name}`, async () => {
      const cloud = await startCloud(options);
      const { vice } = cloud.projects;
      const own = await cloud.createImage(vice, { name: 'own', diskFormat: 'raw', bytes: someBytes(5_000_000) });
      const providers = new Providers({ unixSockets: [], egressDeny: [] }, new Metrics('test'));
      const bytes = someBytes(3_000_320);
      return {
        connect: (signal) => providers.connect(accessTo(cloud, vice), signal),
        reference: own.id,
        contentType: 'disk-raw',
        sameBytes: true,
        deployable: { contentType: 'disk-raw', bytes, facts: { virtualSize: bytes.length } },
        holdings: () => holdingsOf(cloud, vice),
        close: () => cloud.stop(),
      };
    });
  });
}
