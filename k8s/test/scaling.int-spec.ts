import { expect, test } from '@jest/globals';
import { JOB_QUEUES, QUEUES_OF_KIND, type JobKind } from '#libs/contracts';
import { jobQueue } from '../../libs/messaging/topology.js';
import { describeInstallations } from './installations.js';
import { type Manifest } from './kustomize.js';

const KINDS: Record<string, JobKind> = { 'import-worker': 'import', 'export-worker': 'export', 'store-worker': 'store' };
const PENDING: Record<JobKind, string> = { import: 'importsPending', export: 'exportsPending', store: 'storePending' };

await describeInstallations('scaling', (get) => {
  const scaled = () => get().all('ScaledObject');
  const settings = () =>
    get()
      .all('ConfigMap')
      .find(({ metadata }) => metadata.name.startsWith('vice-settings'))!['data'];

  test('of the gateway goes by its processors, from two', () => {
    const [autoscaler, ...more] = get().all('HorizontalPodAutoscaler');
    expect(more).toEqual([]);
    expect(autoscaler!['spec']).toMatchObject({ minReplicas: 2, scaleTargetRef: { kind: 'Deployment', name: 'gateway' } });
    expect(get().named('Deployment', 'gateway')!['spec']).not.toHaveProperty('replicas');
  });

  test('of the workers is of all three, or of none', () => {
    const targets = scaled().map(({ spec }) => spec.scaleTargetRef.name);
    if (targets.length > 0) expect(targets.sort()).toEqual(Object.keys(KINDS).sort());
    for (const target of targets) expect(get().named('Deployment', target)!['spec']).not.toHaveProperty('replicas');
  });

  test('goes by the queues that a worker serves, ready and in hand, so many to a worker as it runs at once', () => {
    const { VICE_QUEUE_PREFIX: prefix, VICE_JOB_CONCURRENCY: concurrency } = settings();
    for (const { spec } of scaled()) {
      const kind = KINDS[spec.scaleTargetRef.name]!;
      const triggers: Manifest[] = spec.triggers;
      if (triggers[0]!['type'] === 'rabbitmq') {
        expect(triggers.map(({ metadata }) => metadata)).toEqual(
          QUEUES_OF_KIND[kind].map((queue) => ({
            ...{ protocol: 'http', mode: 'QueueLength', excludeUnacknowledged: 'false' },
            ...{ queueName: jobQueue(prefix, queue).name, value: concurrency },
          })),
        );
      } else {
        expect(triggers.map(({ metadata }) => metadata)).toEqual([
          {
            ...{ url: 'http://gateway.vice.svc/v1/runtimestats', format: 'json', authMode: 'basic' },
            ...{ valueLocation: PENDING[kind], targetValue: concurrency },
          },
        ]);
        expect(get().named('Service', 'gateway')!['spec'].ports[0]).toMatchObject({ port: 80 });
      }
    }
    const queues = scaled().flatMap(({ spec }) =>
      spec.triggers.flatMap(({ metadata }: { metadata: { queueName?: string } }) => metadata.queueName ?? []),
    );
    if (queues.length > 0) expect(queues.sort()).toEqual(JOB_QUEUES.map((queue) => jobQueue(prefix, queue).name).sort());
  });

  test('goes down to none where nobody is kept waiting for an answer, and takes its time', () => {
    for (const { spec } of scaled()) {
      expect(spec.minReplicaCount).toBe(spec.scaleTargetRef.name === 'import-worker' ? 1 : 0);
      expect(spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown).toEqual({
        stabilizationWindowSeconds: 600,
        policies: [{ type: 'Pods', value: 1, periodSeconds: 120 }],
      });
      // where the broker or the API does not say, the number of workers stays as it is
      expect(spec).not.toHaveProperty('fallback');
    }
    // else collecting garbage would wake a store worker before it had gone to rest
    if (scaled().length > 0)
      expect(Number(settings().VICE_COLLECT_SECONDS)).toBeGreaterThan(2 * scaled()[0]!['spec'].cooldownPeriod);
  });

  test('logs in by a TriggerAuthentication that is there, with keys of a Secret', () => {
    for (const { spec } of scaled()) {
      for (const { type, authenticationRef } of spec.triggers) {
        const parameters = get()
          .named('TriggerAuthentication', authenticationRef.name)!
          ['spec'].secretTargetRef.map(({ parameter }: Manifest) => parameter);
        expect(parameters).toEqual(type === 'rabbitmq' ? ['host', 'username', 'password'] : ['username', 'password']);
      }
    }
  });
});
