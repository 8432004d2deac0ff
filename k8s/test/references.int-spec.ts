import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from '#libs/testing';
import { selects, type Cluster } from './cluster.js';
import { describeInstallations } from './installations.js';
import { type Manifest } from './kustomize.js';

const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8');
const SETTINGS = new Set(
  read('.env.example')
    .match(/^#? ?[A-Z][A-Z0-9_]+(?==)/gm)!
    .map((name) => name.replace(/^# ?/, '')),
);
const README = read('k8s/README.md');

/** Secrets that are made beforehand, each with its keys, as README.md tells. */
const isToldOf = (name: string) => new RegExp(`secret (generic|tls) ${name} `).test(README);

function keysOf(cluster: Cluster, kind: 'ConfigMap' | 'Secret', name: string): string[] | undefined {
  const found = cluster.named(kind, name);
  return found && Object.keys(found['data']);
}

function portsOf(pod: Manifest): (string | number)[] {
  return pod['containers'].flatMap(({ ports = [] }: Manifest) =>
    ports.flatMap(({ name, containerPort }: Manifest) => [name, containerPort]),
  );
}

await describeInstallations('what the objects name', (get) => {
  test('are settings that there are', () => {
    for (const [name, { env }] of get().services) {
      const composed = JSON.stringify(env);
      const unknown = Object.keys(env).filter(
        (key) => !SETTINGS.has(key.replace(/_FILE$/, '')) && !composed.includes(`$(${key})`),
      );
      expect([name, unknown]).toEqual([name, []]);
    }
  });

  test('are secrets by reference: none stands in a manifest', () => {
    for (const { pod, env } of get().containers) {
      for (const [key, value] of Object.entries(env)) {
        if (typeof value !== 'string') continue;
        expect([pod.owner, key, value]).not.toEqual([
          pod.owner,
          expect.stringMatching(/(PASSWORD|KEY|URL)$/),
          expect.stringMatching(/^(?!.*\$\().+$/),
        ]);
        expect([pod.owner, key, value]).not.toEqual([pod.owner, key, expect.stringMatching(/:\/\/[^/$]*:[^/$]*@/)]);
      }
    }
    for (const { metadata, data } of get().all('ConfigMap')) {
      expect([metadata.name, JSON.stringify(data)]).not.toEqual([
        metadata.name,
        expect.stringMatching(/password|default_pass|secret_key/i),
      ]);
    }
  });

  test('are volumes, Secrets, ConfigMaps and claims that are there, or that README.md has one make', () => {
    for (const { pod, spec } of get().containers) {
      const claims = get().named(pod.kind, pod.name)!['spec'].volumeClaimTemplates ?? [];
      const volumes: Manifest[] = [...pod.spec['volumes'], ...claims.map(({ metadata }: Manifest) => metadata)];
      for (const { name, subPath } of spec['volumeMounts']) {
        const volume = volumes.find((candidate) => candidate['name'] === name);
        expect([pod.owner, name, volume !== undefined]).toEqual([pod.owner, name, true]);
        const config = volume!['configMap'] && keysOf(get(), 'ConfigMap', volume!['configMap'].name);
        if (config && subPath) expect(config).toContain(subPath);
      }
      for (const { secret, configMap, persistentVolumeClaim } of pod.spec['volumes']) {
        if (secret)
          expect([secret.secretName, Boolean(keysOf(get(), 'Secret', secret.secretName)) || isToldOf(secret.secretName)]).toEqual(
            [secret.secretName, true],
          );
        if (configMap) expect(keysOf(get(), 'ConfigMap', configMap.name)).toBeDefined();
        if (persistentVolumeClaim) expect(get().named('PersistentVolumeClaim', persistentVolumeClaim.claimName)).toBeDefined();
      }
      expect(get().named('ServiceAccount', pod.spec['serviceAccountName'])).toMatchObject({
        automountServiceAccountToken: false,
      });
    }
  });

  test('are files in those volumes', () => {
    for (const { pod, spec, env } of get().containers) {
      for (const [name, path] of Object.entries(env).filter(([name]) => name.endsWith('_FILE'))) {
        const mount = spec['volumeMounts'].find(({ mountPath }: Manifest) => String(path).startsWith(`${mountPath}/`));
        const { secretName } = pod.spec['volumes'].find((volume: Manifest) => volume['name'] === mount.name).secret;
        const key = String(path).slice(mount.mountPath.length + 1);
        const keys = keysOf(get(), 'Secret', secretName);
        if (keys) expect([name, keys]).toEqual([name, expect.arrayContaining([key])]);
        else expect(README).toMatch(new RegExp(`secret generic ${secretName} [^\\n]*--from-(file|literal)=${key}`));
      }
    }
  });

  test('are pods: every Service and every budget finds the pods of its name, at a port that they have', () => {
    for (const { metadata, spec } of get().all('Service')) {
      const found = get().pods.filter(({ labels }) => selects({ matchLabels: spec.selector }, labels));
      expect([metadata.name, found.length]).toEqual([metadata.name, 1]);
      for (const { targetPort } of spec.ports) expect(portsOf(found[0]!.spec)).toContain(targetPort);
    }
    const budgets = get().all('PodDisruptionBudget');
    // the pods of a RabbitmqCluster are the operator's, under its name
    const brokers = get()
      .all('RabbitmqCluster')
      .map(({ metadata }) => metadata.name);
    expect(budgets.map(({ metadata }) => metadata.name).sort()).toEqual([...get().services.keys(), ...brokers].sort());
    for (const { metadata, spec } of budgets) {
      if (brokers.includes(metadata.name)) {
        expect(spec.selector).toEqual({ matchLabels: { 'app.kubernetes.io/name': metadata.name } });
        continue;
      }
      expect(
        get()
          .pods.filter(({ labels }) => selects(spec.selector, labels))
          .map(({ name }) => name),
      ).toEqual([metadata.name]);
      // a worker that is one, or none, must not hold up the emptying of a node
      expect(spec).toMatchObject({ maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    }
    for (const kind of ['Deployment', 'StatefulSet']) {
      for (const { metadata, spec } of get().all(kind)) {
        expect([metadata.name, selects(spec.selector, spec.template.metadata.labels)]).toEqual([metadata.name, true]);
        const ours = get().pods.filter(({ labels }) => selects(spec.selector, labels));
        expect(ours.map(({ owner }) => owner)).toEqual([`${kind} ${metadata.name}`]);
        for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? []) {
          expect(selects(labelSelector, spec.template.metadata.labels)).toBe(true);
        }
      }
    }
  });

  test('are all in the namespace vice', () => {
    for (const { kind, metadata } of get().manifests) {
      if (kind !== 'Namespace') expect([kind, metadata.name, metadata.namespace]).toEqual([kind, metadata.name, 'vice']);
    }
  });

  test('is, for the world outside, the API and its pages, and neither /metrics nor /health', () => {
    for (const { spec, metadata } of get().all('Ingress')) {
      const paths: Manifest[] = spec.rules.flatMap(({ http }: Manifest) => http.paths);
      expect(paths.map(({ path }) => path)).toEqual(['/v1', '/docs', '/openapi.json']);
      for (const { backend } of paths) {
        const service = get().named('Service', backend.service.name)!;
        expect(service['spec'].ports.map(({ name }: Manifest) => name)).toContain(backend.service.port.name);
      }
      expect(metadata.annotations).toMatchObject({ 'nginx.ingress.kubernetes.io/proxy-body-size': '0' });
    }
  });
});
