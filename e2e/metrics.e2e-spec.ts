import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RuntimeStats } from '#libs/contracts';
import { metricNames } from '#libs/observability';
import { Samples, until } from '#libs/testing';
import { expectStatus, type ViceClient } from './client.js';
import { inBothWays, SERVICES, startVice, type Service, type Vice } from './vice.js';

const CONTENT = randomBytes(1_000_000);
const IMAGE = { status: 'ready', size: CONTENT.length };

await inBothWays('metrics', [], (way) => {
  let vice: Vice;
  let ada: ViceClient;

  beforeAll(async () => {
    vice = await startVice(way);
    ada = await vice.newUser();
  }, 120_000);
  afterAll(async () => vice?.[Symbol.asyncDispose]());

  const of = (service: Service) => Samples.at(vice.process(service).url);
  const eventually = <T>(what: string, condition: () => Promise<T>) => until(condition, { what, timeout: 60_000, interval: 100 });

  test('every service says of itself who it is, and nothing that has no name among ours', async () => {
    const names = new Set(metricNames());
    for (const service of SERVICES) {
      const samples = await of(service);
      expect(samples.by('service', 'vice_build_info')).toEqual({ [way === 'standalone' ? way : service]: 1 });
      expect(samples.names.filter((name) => !names.has(name))).toEqual([]);
      expect(samples.by('part', 'vice_metrics_unavailable')).toEqual({});
    }
  });

  test('every service says of each of its parts whether it is there', async () => {
    const parts = {
      gateway:
        way === 'standalone' ? ['blobStore', 'broker', 'database', 'registry', 'tools'] : ['blobStore', 'broker', 'registry'],
      registry: ['broker', 'database'],
      'import-worker': ['blobStore', 'broker'],
      'export-worker': ['blobStore', 'broker'],
      'store-worker': ['blobStore', 'broker', 'tools'],
    };
    for (const service of way === 'standalone' ? (['gateway'] as const) : SERVICES) {
      const health = (await (await fetch(`${vice.process(service).url}/health/ready`)).json()) as { parts: object };
      expect([service, Object.keys(health.parts).sort()]).toEqual([service, parts[service]]);
    }
  });

  test('an upload and a download are counted once, from the request to the inspection', async () => {
    const image = await ada.uploadedImage(CONTENT);
    expect(image).toMatchObject(IMAGE);
    const bytes = Buffer.from(await (await ada.download(image.id)).arrayBuffer());
    expect(bytes.equals(CONTENT)).toBe(true);
    const registry = await of('registry');
    const inspections = { kind: 'store', action: 'inspect' };
    expect(registry.by('action', 'vice_jobs_created_total', inspections)).toEqual({ inspect: 1 });
    expect(registry.by('outcome', 'vice_jobs_ended_total', inspections)).toEqual({ succeeded: 1 });
    expect(registry.by('outcome', 'vice_jobs_attempts_total', inspections)).toEqual({ succeeded: 1 });
    expect(registry.by('software', 'vice_jobs_duration_seconds_count', inspections)).toEqual({ none: 1 });
    expect(registry.sum('vice_jobs_bytes_total', inspections)).toBe(CONTENT.length);
    expect(registry.by('class', 'vice_blob_bytes')).toEqual({ original: CONTENT.length });
    const route = { route: '/v1/image/:imageId/file' };
    await eventually('both transfers are counted', async () => {
      const gateway = await of('gateway');
      expect(gateway.by('method', 'http_requests_total', { ...route, status: '200' })).toEqual({ GET: 1, POST: 1 });
      return true;
    });
  });

  test('queues and workers are as runtimestats has them', async () => {
    await eventually('both say the same', async () => {
      const [stats, registry] = [expectStatus(200, await ada.get<RuntimeStats>('/runtimestats')), await of('registry')];
      const { importsPending, exportsPending, storePending, importWorker, exportWorker, storeWorker } = stats;
      const all = (name: string) => ['import', 'export', 'store'].map((kind) => registry.sum(name, { kind }));
      expect(all('vice_queue_pending')).toEqual([importsPending, exportsPending, storePending]);
      expect(all('vice_workers')).toEqual([importWorker, exportWorker, storeWorker]);
      expect(all('vice_workers')).toEqual([1, 1, 1]);
      return true;
    });
    for (const [service, kind, slots] of [
      ['import-worker', 'import', 2],
      ['export-worker', 'export', 2],
      ['store-worker', 'store', 4],
    ] as const)
      expect((await of(service)).sum('vice_worker_slots', { kind })).toBe(slots);
  });

  test('an environment that does not answer shows where it was asked, and with its jobs', async () => {
    const { id } = await ada.dockerEnvironment('unix:///nowhere/at/all.sock');
    const image = await ada.import(id, 'busybox');
    await ada.job(`/image/${image.id}`, (job) => job.attempt > 1, 'it is tried again');
    const failed = { software: 'docker', code: 'ENVIRONMENT_UNREACHABLE' };
    await eventually('both attempts have failed', async () => {
      const [worker, registry] = [await of('import-worker'), await of('registry')];
      expect(worker.sum('vice_provider_errors_total', failed)).toBeGreaterThanOrEqual(2);
      expect(registry.by('attempt', 'vice_jobs_attempts_total', { action: 'import', outcome: 'retried' })).toMatchObject({
        1: 1,
        2: 1,
      });
      expect(registry.sum('vice_jobs_failures_total', { action: 'import', code: failed.code })).toBeGreaterThanOrEqual(2);
      return true;
    });
    expectStatus(200, await ada.delete(`/image/${image.id}`));
  });
});
