import { Metrics } from '#libs/observability';
import { busyboxImage, describeWith, dockerEngine, startEngine, type EngineVersion } from '#libs/testing';
import { accessTo, foreignArchive, holdingsOf } from './docker-bench.js';
import { providerSuite } from './provider.suite.js';
import { Providers } from '../index.js';

/** Each engine is given what another release saved. */
const ENGINES: readonly (readonly [EngineVersion, EngineVersion])[] = [
  ['20', '26c'],
  ['26', '20'],
  ['26c', '20'],
];

for (const [version, other] of ENGINES) {
  await describeWith([dockerEngine(version), dockerEngine(other)], `Docker Engine ${version}`, () => {
    providerSuite(`Docker Engine ${version}`, async () => {
      const { bytes, facts } = await foreignArchive(other);
      const engine = await startEngine(version);
      await busyboxImage(engine, 'own:1');
      await engine.api('POST', '/containers/create?name=worker', {
        json: { Image: 'own:1', HostConfig: { NetworkMode: 'none' } },
      });
      const providers = new Providers({ unixSockets: ['*'], egressDeny: [] }, new Metrics('test'));
      return {
        connect: (signal) => providers.connect(accessTo(engine.location), signal),
        reference: 'own:1',
        contentType: 'docker-image',
        // 26.1 without containerd writes the present second into each archive that it saves.
        sameBytes: version !== '26',
        preparable: 'container:worker',
        deployable: { contentType: 'docker-image', bytes, facts },
        holdings: () => holdingsOf(engine),
        close: () => engine.stop(),
      };
    });
  });
}
