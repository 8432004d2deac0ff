import { Metrics } from '#libs/observability';
import { describeWith, tool } from '#libs/testing';
import { Providers } from '../../index.js';
import { providerSuite } from '../../test/provider.suite.js';
import { accessTo, factsOf, holdingsOf, MIB, qcow2, storeImage } from './bwlehrpool-bench.js';
import { startSatellite } from './satellite/test-satellite.js';

for (const how of ['tls', 'plain'] as const) {
  await describeWith([tool('openssl')], `a satellite, ${how}`, () => {
    providerSuite(`a satellite of bwLehrpool, ${how}`, async () => {
      const satellite = await startSatellite();
      for (let i = 0; i < 4; i++) storeImage(satellite, qcow2(MIB), { name: `Other ${i}` });
      const { reference } = storeImage(satellite, qcow2(40 * MIB));
      const bytes = qcow2(36 * MIB);
      const providers = new Providers({ unixSockets: [], egressDeny: [] }, new Metrics('test'));
      return {
        connect: (signal) => providers.connect(accessTo(satellite.access(how)), signal),
        reference,
        contentType: 'disk-qcow2',
        sameBytes: true,
        deployable: { contentType: 'disk-qcow2', bytes, facts: await factsOf(bytes) },
        holdings: async () => holdingsOf(satellite),
        close: async () => satellite[Symbol.asyncDispose](),
      };
    });
  });
}
