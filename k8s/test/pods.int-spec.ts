import { expect, test } from '@jest/globals';
import { APPS, loadConfig, loadMigrateConfig, type AppName } from '#libs/config';
import { describeInstallations } from './installations.js';
import { type Manifest } from './kustomize.js';
import { type Cluster, type Container } from './cluster.js';

/** Of JobServer: for aborted handlers to clean up, and for the last reports. */
const CLEAN_UP_SECONDS = 4;
const WORKERS = ['import-worker', 'export-worker', 'store-worker'];

/** What stands in Secrets that are made beforehand. */
const GIVEN: Record<string, string> = {
  DATABASE_URL: 'postgres://vice:password@database/vice',
  AMQP_URL: 'amqp://vice:password@broker',
  VICE_SECRET_KEY: Buffer.alloc(32).toString('base64'),
};

/** The variables as the process has them: those of files, too, with what make-secrets.sh or somebody has put there. */
function variablesOf(cluster: Cluster, { pod, env, spec }: Container): Record<string, string> {
  const contentOf = (path: string): string => {
    const key = path.slice(path.lastIndexOf('/') + 1);
    const mount = spec['volumeMounts'].find(({ mountPath }: Manifest) => mountPath === path.slice(0, path.lastIndexOf('/')));
    const { secretName } = pod.spec['volumes'].find(({ name }: { name: string }) => name === mount.name).secret;
    const data = cluster.named('Secret', secretName)?.['data'];
    return data ? Buffer.from(data[key], 'base64').toString() : (GIVEN[key] ?? 'a secret');
  };
  const entries = Object.entries(env).filter(([name]) => !name.startsWith('BROKER_'));
  return Object.fromEntries(
    entries.map(([name, value]) =>
      name.endsWith('_FILE') ? [name.slice(0, -'_FILE'.length), contentOf(String(value))] : [name, String(value)],
    ),
  );
}

await describeInstallations('the pods', (get) => {
  test('are restricted: no root, no privileges, a filesystem that cannot be written', () => {
    for (const { pod, spec } of get().containers) {
      expect([pod.owner, pod.spec['automountServiceAccountToken']]).toEqual([pod.owner, false]);
      expect(pod.spec['securityContext']).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(spec['securityContext']).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod.spec).not.toHaveProperty(field);
      for (const volume of pod.spec['volumes']) expect(volume).not.toHaveProperty('hostPath');
    }
    expect(get().named('Namespace', 'vice')?.metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
    });
  });

  test('of ours run as 10001, write to /tmp and /data only, and keep within a size there', () => {
    for (const { pod, spec } of get().services.values()) {
      expect(pod.spec['securityContext']).toMatchObject({ runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001 });
      const writable = spec['volumeMounts'].filter(({ readOnly }: { readOnly?: boolean }) => !readOnly);
      const paths: string[] = writable.map(({ mountPath }: { mountPath: string }) => mountPath);
      expect(paths.filter((path) => path !== '/blobs').sort()).toEqual(['/data', '/tmp']);
      for (const { emptyDir, ephemeral } of pod.spec['volumes']) {
        if (emptyDir) expect(emptyDir).toHaveProperty('sizeLimit');
        if (ephemeral) expect(ephemeral.volumeClaimTemplate.spec.resources.requests).toHaveProperty('storage');
      }
    }
  });

  test('ask for what they need, and have a limit', () => {
    for (const { pod, spec } of get().containers) {
      const { requests, limits } = spec['resources'];
      for (const resource of ['cpu', 'memory', 'ephemeral-storage']) {
        expect([pod.owner, resource, resource in requests, resource in limits]).toEqual([pod.owner, resource, true, true]);
      }
    }
  });

  test('are probed; whether a service lives depends on nothing but itself', () => {
    for (const { pod, spec } of get().containers.filter(({ pod }) => pod.kind !== 'Job')) {
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
        expect([pod.owner, spec]).toHaveProperty(['1', probe]);
    }
    for (const { spec } of get().services.values()) {
      expect(spec['startupProbe'].httpGet).toEqual({ path: '/health/live', port: 'http' });
      expect(spec['livenessProbe'].httpGet).toEqual({ path: '/health/live', port: 'http' });
      expect(spec['readinessProbe'].httpGet).toEqual({ path: '/health/ready', port: 'http' });
      // three seconds are what /health/ready gives each part
      expect(spec['readinessProbe'].timeoutSeconds).toBeGreaterThan(3);
    }
  });

  test('are those of the five services, each running its own program, with settings that it takes', () => {
    expect([...get().services.keys()].sort()).toEqual(APPS.filter((app) => app !== 'standalone').sort());
    for (const [name, container] of get().services) {
      expect(container.spec['args']).toEqual(['node', `dist/apps/${name}/main.js`]);
      const config = loadConfig(name as AppName, variablesOf(get(), container));
      expect(config).toMatchObject({ port: 8080, host: '0.0.0.0', dataDir: '/data', migrateAtStart: false, unixSockets: [] });
      expect(container.spec['ports']).toEqual([{ name: 'http', containerPort: 8080 }]);
    }
  });

  test('have longer to end than a job may go on, be cleaned up and hold its lease', () => {
    for (const [name, container] of get().services) {
      const { shutdownMs, leaseMs } = loadConfig(name as AppName, variablesOf(get(), container));
      const grace = container.pod.spec['terminationGracePeriodSeconds'];
      const before = Number(container.spec['lifecycle']?.preStop.exec.command[1] ?? 0);
      expect(grace).toBeGreaterThan(leaseMs / 1000);
      expect(grace).toBeGreaterThanOrEqual(
        before + shutdownMs / 1000 + CLEAN_UP_SECONDS + (WORKERS.includes(name) ? leaseMs / 1000 : 0),
      );
    }
  });

  test('of a worker that is to go finish what they run, for up to an hour', () => {
    for (const name of WORKERS) {
      const worker = get().services.get(name)!;
      expect(loadConfig(name as AppName, variablesOf(get(), worker)).shutdownMs).toBe(3_600_000);
    }
  });

  test('are replaced one by one, by those that are ready', () => {
    for (const { metadata, spec } of get().all('Deployment')) {
      expect([metadata.name, spec.strategy.rollingUpdate]).toEqual([metadata.name, { maxUnavailable: 0, maxSurge: 1 }]);
    }
    expect(get().services.get('gateway')!.spec['lifecycle'].preStop.exec.command[0]).toBe('sleep');
  });

  test('of the migration job need the database and nothing else, and its name is of the release', () => {
    const [job] = get().all('Job');
    const [container] = job!['spec'].template.spec.containers;
    const image: string = container.image;
    expect(job!.metadata.name).toBe(`migrate-to-${image.slice(image.lastIndexOf(':') + 1)}`);
    expect(container.args).toEqual(['node', 'dist/apps/registry/migrate.js']);
    const { env } = get().containers.find(({ pod }) => pod.kind === 'Job')!;
    expect(Object.keys(env)).toEqual(['DATABASE_URL_FILE']);
    expect(loadMigrateConfig({ DATABASE_URL: GIVEN['DATABASE_URL'] })).toHaveProperty('databaseUrl');
    expect(job!['spec']).toMatchObject({ backoffLimit: 10, ttlSecondsAfterFinished: 86_400 });
  });

  test('that hold blobs have all the same store, and the registry none', () => {
    const stores = [...get().services].map(([name, { env }]) => [name, env['VICE_BLOB_STORE']] as const);
    expect(stores.find(([name]) => name === 'registry')).toEqual(['registry', undefined]);
    const others = stores.filter(([name]) => name !== 'registry').map(([, store]) => store);
    expect(others).toEqual(Array(4).fill(expect.stringMatching(/^(file:\/blobs$|s3:\/\/)/)));
    expect(new Set(others).size).toBe(1);
  });

  test('of ours all run the same image', () => {
    const images = get().containers.filter(({ spec }) => ['vice', 'migrate'].includes(spec['name']));
    expect(new Set(images.map(({ spec }) => spec['image'])).size).toBe(1);
    expect(get().named('ConfigMap', 'vice-release')).toBeUndefined();
  });
});
