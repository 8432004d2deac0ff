import { beforeAll, describe } from '@jest/globals';
import { describeWith } from '#libs/testing';
import { Cluster } from './cluster.js';
import { build, kustomize } from './kustomize.js';
import { VARIANTS } from './variants.js';

/** What must hold of every installation: `body` has the tests, which look at the cluster that `get` answers. */
export async function describeInstallations(what: string, body: (get: () => Cluster) => void): Promise<void> {
  await describeWith([kustomize()], what, (program) => {
    for (const variant of VARIANTS) {
      describe(`of ${variant.name}`, () => {
        let cluster: Cluster;
        beforeAll(async () => void (cluster = new Cluster(await build(program, variant))));
        body(() => cluster);
      });
    }
  });
}
