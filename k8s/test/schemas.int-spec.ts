import { beforeAll, describe, expect, test } from '@jest/globals';
import { describeWith } from '#libs/testing';
import { build, kustomize, type Manifest } from './kustomize.js';
import { schemaFaults, unknownFields } from './schemas.js';
import { VARIANTS } from './variants.js';

const budget = (spec: object): Manifest => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'x' },
  spec,
});

describe('the check of manifests', () => {
  const selector = { matchLabels: { a: 'b' } };

  test('lets what is right pass', async () => {
    const right = [budget({ maxUnavailable: 1, selector })];
    expect(await schemaFaults(right)).toEqual([]);
    expect(unknownFields(right)).toEqual([]);
  });

  test('finds a wrong type', async () => {
    expect(await schemaFaults([budget({ maxUnavailable: 1, selector: [] })])).toEqual([
      expect.stringContaining('PodDisruptionBudget x: data/spec/selector must be object'),
    ]);
  });

  test('finds a misspelled field, deep inside too, also of a custom resource', () => {
    expect(unknownFields([budget({ maxUnavailable: 1, selector: { matchlabels: {} } })])).toEqual([
      expect.stringMatching(/PodDisruptionBudget x: .*"matchlabels".* does not exist/),
    ]);
    const cluster = {
      apiVersion: 'rabbitmq.com/v1beta1',
      kind: 'RabbitmqCluster',
      metadata: { name: 'y' },
      spec: { rabbitmq: { extraConfig: '' } },
    };
    expect(unknownFields([cluster])).toEqual([expect.stringMatching(/RabbitmqCluster y: .*"extraConfig".* does not exist/)]);
  });

  test('finds a kind that nobody knows', async () => {
    const unknown = { apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'z' } };
    expect(await schemaFaults([unknown])).toEqual(['Widget z: there is no schema of example.org/v1/Widget']);
  });
});

await describeWith([kustomize()], 'every object of every installation', (program) => {
  const manifests: Manifest[] = [];
  beforeAll(async () => {
    for (const variant of VARIANTS) manifests.push(...(await build(program, variant)));
  });

  test('is as its schema says', async () => {
    expect(manifests.length).toBeGreaterThan(200);
    expect(await schemaFaults(manifests)).toEqual([]);
  });

  test('has only fields that its schema knows', () => {
    expect(unknownFields(manifests)).toEqual([]);
  });
});
