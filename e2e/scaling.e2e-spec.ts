import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { JOB_KINDS, type Image, type JobKind } from '#libs/contracts';
import {
  bigImage,
  describeWith,
  dockerEngine,
  postgres,
  queryOnce,
  rabbitmqOwn,
  Samples,
  startBroker,
  startEngine,
  until,
  type TestBroker,
  type TestEngine,
  type TestProcess,
} from '#libs/testing';
import { markerTag } from '../libs/providers/docker/image-names.js';
import { expectStatus, type ViceClient } from './client.js';
import { jobsOf, messagesLeft, oddlyEnded, openJobs } from './job-books.js';
import { inManagement, inRuntimeStats, Scrape, type Standings } from './queue-views.js';
import { slowLineTo, type SlowLine } from './slow-line.js';
import { startVice, type Service, type Vice } from './vice.js';

const MIB = 1024 * 1024;
const IMPORTS = 20;
const DEPLOYMENTS = 15;
const UPLOADS = 15;
/** What one worker runs at once. */
const CONCURRENCY = 2;

/** The tag of a deployment; others are remarks beside it. */
const DEPLOYED = /:vice-[0-9a-f]{12}$/;

const WORKER_OF: Record<JobKind, Service> = { import: 'import-worker', export: 'export-worker', store: 'store-worker' };

/** The management API's own figures come every 5 s. */
const AGREE_MS = 120_000;

await describeWith([postgres(), rabbitmqOwn('3'), dockerEngine('20')], '50 jobs, while workers come and go', () => {
  let rabbit: TestBroker;
  let vice: Vice;
  let ada: ViceClient;
  let engine: TestEngine;
  let line: SlowLine;
  let environmentId: string;
  let original: Image;
  const workers: Record<JobKind, TestProcess[]> = { import: [], export: [], store: [] };
  const registries: TestProcess[] = [];
  const imports: string[] = [];
  const deployments: string[] = [];
  const uploads: { id: string; digest: string }[] = [];

  beforeAll(async () => {
    [rabbit, engine] = await Promise.all([startBroker('3', ['collect_statistics_interval = 1000']), startEngine('20')]);
    // a lease outlasts all that is held here on a busy machine, and garbage is not collected: only what the test asks for is on the queues
    const env = { VICE_LEASE_SECONDS: '60', VICE_COLLECT_SECONDS: '86400', VICE_JOB_CONCURRENCY: String(CONCURRENCY) };
    vice = await startVice('separate', { amqpUrl: rabbit.url, env });
    registries.push(vice.process('registry'), await vice.addWorker('registry'));
    await bigImage(engine, 'big:1', 4 * MIB);
    line = await slowLineTo(engine.socket);
    ada = await vice.newUser();
    environmentId = (await ada.dockerEnvironment(line.location)).id;
    original = await ada.importedImage(environmentId, 'big:1');
    for (const kind of JOB_KINDS) await vice.process(WORKER_OF[kind]).kill('SIGTERM');
  }, 400_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([rabbit, line, engine].map((part) => part?.[Symbol.asyncDispose]()));
  }, 400_000);

  test('without a worker, all 50 are pending', async () => {
    line.slowDown();
    for (let i = 0; i < IMPORTS; i++) imports.push((await ada.import(environmentId, 'big:1')).id);
    for (let i = 0; i < DEPLOYMENTS; i++) deployments.push((await ada.deploy(original.id, environmentId)).id);
    for (let i = 0; i < UPLOADS; i++) {
      const content = randomBytes(64 * 1024);
      const { id } = await ada.createImage();
      expectStatus(200, await ada.upload(id, content));
      uploads.push({ id, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` });
    }
    await allAgree({
      import: { pending: IMPORTS, workers: 0 },
      export: { pending: DEPLOYMENTS, workers: 0 },
      store: { pending: UPLOADS, workers: 0 },
    });
  }, 400_000);

  test.each([1, 2, 3])(
    'with %i workers for imports and for exports, all views agree, and what they have in hand counts',
    async (count) => {
      await Promise.all((['import', 'export'] as const).map((kind) => addWorker(kind)));
      await inHand({ import: count * CONCURRENCY, export: count * CONCURRENCY });
      await allAgree({
        import: { pending: IMPORTS, workers: count },
        export: { pending: DEPLOYMENTS, workers: count },
        store: { pending: UPLOADS, workers: 0 },
      });
    },
    400_000,
  );

  test('a worker that is stopped in the middle tells so to the last, and hands back what it has in hand: it is pending again', async () => {
    const stopped = (['import', 'export'] as const).map((kind) => workers[kind].shift()!);
    const ending = stopped.map((worker) => worker.kill('SIGTERM'));
    for (const { url } of stopped) {
      const told = async () => (await Samples.at(url)).sum('vice_worker_slots') === 0;
      await until(told, { what: 'it takes no more', timeout: 4_000, interval: 50 });
    }
    const ends = await Promise.all(ending);
    expect(ends).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
    await inHand({ import: 2 * CONCURRENCY, export: 2 * CONCURRENCY });
    await allAgree({
      import: { pending: IMPORTS, workers: 2 },
      export: { pending: DEPLOYMENTS, workers: 2 },
      store: { pending: UPLOADS, workers: 0 },
    });
  }, 400_000);

  test('while all is worked off, further workers come and go', async () => {
    await Promise.all([1, 2, 3].map(() => addWorker('store')));
    line.letGo();
    for (const kind of JOB_KINDS) {
      const stopped = workers[kind].shift();
      await addWorker(kind);
      expect(await stopped?.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    }
    const databaseUrl = vice.databaseUrl ?? '';
    await until(async () => (await openJobs(databaseUrl)) === 0, { what: 'no job is open', timeout: 180_000, interval: 200 });
    await allAgree({
      import: { pending: 0, workers: 2 },
      export: { pending: 0, workers: 2 },
      store: { pending: 0, workers: 3 },
    });
  }, 600_000);

  test('every job has ended once, and what came of it is right', async () => {
    expect(await oddlyEnded(vice.databaseUrl ?? '')).toEqual([]);
    expect(await messagesLeft(vice)).toBe(0);
    for (const id of imports) {
      expect(await ada.image(id)).toMatchObject({ status: 'ready', digest: original.digest });
      expect(await jobsOf(ada, `/image/${id}`)).toEqual({ import: 'succeeded', inspect: 'succeeded' });
    }
    for (const { id, digest } of uploads) {
      expect(await ada.image(id)).toMatchObject({ status: 'ready', digest });
      expect(await jobsOf(ada, `/image/${id}`)).toEqual({ inspect: 'succeeded' });
    }
    const tags = await engine.tags();
    for (const id of deployments) {
      expect(await ada.deployment(id)).toMatchObject({ status: 'deployed' });
      expect(tags.filter((tag) => tag.endsWith(`:${markerTag(id)}`))).toHaveLength(1);
    }
    expect(tags.filter((tag) => DEPLOYED.test(tag))).toHaveLength(DEPLOYMENTS);
  }, 60_000);

  test('the registries have counted each end and each attempt once', async () => {
    const scrapes = await Promise.all(registries.map((registry) => Scrape.of(registry)));
    const counted = (name: string, labels: Record<string, string>) =>
      scrapes.reduce((sum, scrape) => sum + scrape.sum(name, labels), 0);
    expect(counted('vice_jobs_ended_total', { kind: 'import', outcome: 'succeeded' })).toBe(IMPORTS + 1);
    expect(counted('vice_jobs_ended_total', { kind: 'export', outcome: 'succeeded' })).toBe(DEPLOYMENTS);
    expect(counted('vice_jobs_ended_total', { kind: 'store', action: 'inspect', outcome: 'succeeded' })).toBe(
      (await rows(`action = 'inspect' AND state = 'succeeded'`)).jobs,
    );
    for (const outcome of ['failed', 'cancelled']) expect(counted('vice_jobs_ended_total', { outcome })).toBe(0);

    const { jobs, attempts } = await rows('true');
    expect(counted('vice_jobs_created_total', {})).toBe(jobs);
    expect(counted('vice_jobs_attempts_total', {})).toBe(attempts);
    expect(counted('vice_jobs_attempts_total', { outcome: 'succeeded' })).toBe((await rows(`state = 'succeeded'`)).jobs);
    expect(counted('vice_jobs_attempts_total', { outcome: 'handed_back' })).toBe(attempts - jobs);
    expect(attempts - jobs).toBeGreaterThanOrEqual(2 * CONCURRENCY);
    expect(counted('vice_jobs_lease_expiries_total', {})).toBe(0);
  });

  async function addWorker(kind: JobKind): Promise<void> {
    workers[kind].push(await vice.addWorker(WORKER_OF[kind]));
  }

  /** Waits until the management API, runtimestats and the metrics of each registry say exactly this. */
  async function allAgree(expected: Standings): Promise<void> {
    const views = async () => ({
      management: await inManagement(rabbit, vice.broker?.queuePrefix ?? ''),
      runtimestats: await inRuntimeStats(ada),
      metrics: await Promise.all(registries.map(async (registry) => (await Scrape.of(registry)).standings())),
    });
    const agreement = { management: expected, runtimestats: expected, metrics: registries.map(() => expected) };
    let seen: unknown;
    const agree = async () => {
      seen = await views();
      return expect(seen).toEqual(agreement) === undefined;
    };
    await until(agree, { what: 'all views agree', timeout: AGREE_MS, interval: 500 }).catch(() =>
      expect(seen).toEqual(agreement),
    );
  }

  /** Waits until so many jobs run. */
  async function inHand(expected: Partial<Record<JobKind, number>>): Promise<void> {
    const [registry] = registries;
    const asExpected = async () => {
      const scrape = await Scrape.of(registry!);
      return Object.entries(expected).every(([kind, jobs]) => scrape.value('vice_queue_in_hand', { kind }) === jobs);
    };
    await until(asExpected, { what: `${JSON.stringify(expected)} jobs are in hand`, timeout: AGREE_MS, interval: 200 });
  }

  async function rows(condition: string): Promise<{ jobs: number; attempts: number }> {
    const sums = 'count(*)::int AS jobs, coalesce(sum(attempt), 0)::int AS attempts';
    const [row] = await queryOnce(vice.databaseUrl ?? '', `SELECT ${sums} FROM jobs WHERE ${condition}`);
    return row as { jobs: number; attempts: number };
  }
});
