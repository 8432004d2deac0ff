import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  EnvironmentCalls,
  ImageCalls,
  JobCalls,
  type Image,
  type JobMessage,
  type JobOutcome,
  type JobProgress,
} from '#libs/contracts';
import { describeWith, postgres, until, type Samples } from '#libs/testing';
import { runRegistry, type RunningRegistry } from './running-registry.js';

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const none: JobProgress = { bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 };
const refused: JobOutcome = { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'no', transient: false };
const unreachable: JobOutcome = { kind: 'failed', code: 'ENVIRONMENT_UNREACHABLE', message: 'silent', transient: true };
const imported: JobOutcome = {
  kind: 'succeeded',
  result: { digest: digestOf('a'), size: 5, contentType: 'disk-raw', name: null, metadata: {} },
};
const inspected: JobOutcome = { kind: 'succeeded', result: { contentType: 'disk-raw', facts: {}, contentDigest: null } };

await describeWith([postgres()], 'the metrics of the registry', () => {
  let vice: RunningRegistry;
  let user: string;

  beforeAll(async () => {
    vice = await runRegistry({ variables: { VICE_LEASE_SECONDS: '60' } });
    user = await vice.newUser();
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${digestOf('a')}', 5, 'stored')`);
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  async function environment(software: string): Promise<string> {
    const id = randomUUID();
    const described = { id, managementlayer: { software }, credentials: { location: 'unix:///nowhere.sock' } };
    await vice.ask(EnvironmentCalls.createEnvironment, { userId: user, environment: described });
    return id;
  }

  async function importing(software = 'docker'): Promise<{ image: Image; message: JobMessage }> {
    const origin = { originEnvironment: { known: await environment(software) }, environmentReference: 'busybox' };
    const image = await vice.ask(ImageCalls.createImage, { userId: user, image: origin });
    return { image, message: await vice.next('import', image.id) };
  }

  const claim = (message: JobMessage) => vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
  const report = ({ jobId, attempt }: JobMessage, outcome: JobOutcome, progress = none) =>
    vice.ask(JobCalls.reportJob, { jobId, attempt, outcome, progress });
  const lapse = ({ jobId }: JobMessage) =>
    vice.sql(`UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = '${jobId}'`);
  const remove = (image: Image) => vice.ask(ImageCalls.deleteImage, { userId: user, imageId: image.id });

  /** What `events` add to what is counted of imports. */
  async function counted(events: () => Promise<unknown>) {
    const before = await vice.samples();
    await events();
    const after = await vice.samples();
    const more = (label: string, name: string) => {
      const [was, is] = [before, after].map((samples) => samples.by(label, name, { action: 'import' }));
      const changes = Object.entries(is!).map(([key, value]) => [key, value - (was![key] ?? 0)] as const);
      return Object.fromEntries(changes.filter(([, change]) => change !== 0));
    };
    return {
      created: more('action', 'vice_jobs_created_total'),
      attempts: more('outcome', 'vice_jobs_attempts_total'),
      byNumber: more('attempt', 'vice_jobs_attempts_total'),
      ended: more('outcome', 'vice_jobs_ended_total'),
      failures: more('code', 'vice_jobs_failures_total'),
      durations: more('outcome', 'vice_jobs_duration_seconds_count'),
      software: more('software', 'vice_jobs_duration_seconds_count'),
      bytes: more('action', 'vice_jobs_bytes_total')['import'] ?? 0,
      lapses: sumOf(after, 'vice_jobs_lease_expiries_total') - sumOf(before, 'vice_jobs_lease_expiries_total'),
    };
  }

  const sumOf = (samples: Samples, name: string) => samples.sum(name, { kind: 'import' }) ?? NaN;

  it('count a job that succeeds once, with its attempt, its bytes and where it was at work', async () => {
    const change = await counted(async () => {
      const { message } = await importing(' Docker');
      await claim(message);
      const moved = { bytesDone: 5, bytesTotal: 5, bytesPerSecond: 5 };
      await report(message, imported, moved);
      await report(message, imported, moved);
    });
    expect(change).toEqual({
      created: { import: 1 },
      attempts: { succeeded: 1 },
      byNumber: { 1: 1 },
      ended: { succeeded: 1 },
      failures: {},
      durations: { succeeded: 1 },
      software: { docker: 1 },
      bytes: 5,
      lapses: 0,
    });
  });

  it('count each attempt of a job that is tried again, by its own number and duration, and the job when it ends', async () => {
    const seconds = async () => (await vice.samples()).sum('vice_jobs_duration_seconds_sum', { action: 'import' }) ?? 0;
    const before = await seconds();
    const change = await counted(async () => {
      const { image, message } = await importing('proxmox');
      await claim(message);
      await vice.sql(`UPDATE jobs SET claimed_at = claimed_at - interval '100 seconds' WHERE id = '${message.jobId}'`);
      await report(message, unreachable, { ...none, bytesDone: 3 });
      const second = await vice.next('import', image.id);
      await claim(second);
      await report(second, refused, { ...none, bytesDone: 4, bytesCarried: 3 });
    });
    expect(change).toMatchObject({
      created: { import: 1 },
      attempts: { retried: 1, failed: 1 },
      byNumber: { 1: 1, 2: 1 },
      ended: { failed: 1 },
      failures: { ENVIRONMENT_UNREACHABLE: 1, CREDENTIALS_REFUSED: 1 },
      durations: { retried: 1, failed: 1 },
      software: { other: 2 },
      bytes: 4,
    });
    const more = (await seconds()) - before;
    expect([more >= 100, more < 130]).toEqual([true, true]);
  });

  it('count a job that is cancelled while it waits without an attempt, and one that runs with it', async () => {
    expect(await counted(async () => remove((await importing()).image))).toMatchObject({
      attempts: {},
      ended: { cancelled: 1 },
      durations: {},
    });
    const running = async () => {
      const { image, message } = await importing();
      await claim(message);
      await remove(image);
      await report(message, { kind: 'cancelled' });
    };
    expect(await counted(running)).toMatchObject({ attempts: { cancelled: 1 }, ended: { cancelled: 1 }, failures: {} });
  });

  it('count an attempt that is handed back, which is no failure', async () => {
    const handedBack = async () => {
      const { message } = await importing();
      await claim(message);
      await report(message, { kind: 'handed-back' });
    };
    expect(await counted(handedBack)).toMatchObject({ attempts: { handed_back: 1 }, ended: {}, failures: {} });
  });

  it('count an attempt whose worker is not heard of any more, with the bytes that it told of', async () => {
    const vanishes = async () => {
      const { image, message } = await importing();
      await claim(message);
      await vice.ask(JobCalls.heartbeat, { ...message, progress: { ...none, bytesDone: 7 } });
      await lapse(message);
      expect(await vice.next('import', image.id)).toMatchObject({ attempt: 2 });
      await expect(report(message, imported)).rejects.toMatchObject({ code: 'JOB_FENCED' });
    };
    expect(await counted(vanishes)).toMatchObject({
      attempts: { lease_lapsed: 1 },
      ended: {},
      failures: { LEASE_LOST: 1 },
      durations: { lease_lapsed: 1 },
      bytes: 7,
      lapses: 1,
    });
  });

  it('count a lapsed lease of a job that was cancelled, whose end it is', async () => {
    const vanishes = async () => {
      const { image, message } = await importing();
      await claim(message);
      await remove(image);
      await lapse(message);
      const ended = async () => (await vice.sql(`SELECT state FROM jobs WHERE id = '${message.jobId}'`))[0]?.['state'];
      await until(async () => (await ended()) === 'cancelled', { what: 'the attempt has lapsed' });
    };
    expect(await counted(vanishes)).toMatchObject({
      attempts: { lease_lapsed: 1 },
      ended: { cancelled: 1 },
      failures: {},
      lapses: 1,
    });
  });

  it('count an attempt that failed before its worker had it', async () => {
    const vain = async () => {
      const { message } = await importing();
      await vice.sql(`UPDATE jobs SET environment_id = NULL WHERE id = '${message.jobId}'`);
      await expect(claim(message)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    };
    expect(await counted(vain)).toMatchObject({
      attempts: { failed: 1 },
      ended: { failed: 1 },
      failures: { ENVIRONMENT_NOT_FOUND: 1 },
      software: { none: 1 },
      bytes: 0,
    });
  });

  it('count nothing of what was rolled back', async () => {
    const { image, message } = await importing();
    await claim(message);
    await vice.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$`);
    await vice.sql(`CREATE TRIGGER refuse BEFORE UPDATE ON images FOR EACH ROW WHEN (OLD.id = '${image.id}')
                    EXECUTE FUNCTION refuse()`);
    expect(await counted(() => report(message, refused).catch(() => undefined))).toMatchObject({ attempts: {}, ended: {} });
    await vice.sql('DROP FUNCTION refuse CASCADE');
    expect(await counted(() => report(message, refused))).toMatchObject({ attempts: { failed: 1 }, ended: { failed: 1 } });
  });

  it('count an inspection that was spared, which moved no bytes', async () => {
    const inspections = async (samples: Samples) => [
      samples.by('outcome', 'vice_jobs_ended_total', { action: 'inspect' }),
      samples.sum('vice_jobs_bytes_total', { action: 'inspect' }),
    ];
    const inspection = async () => {
      const { image, message } = await importing();
      await claim(message);
      await report(message, imported);
      return vice.next('store', image.id);
    };
    const first = await inspection();
    await claim(first).then(
      () => report(first, inspected, { ...none, bytesDone: 5 }),
      () => undefined,
    );
    const [ended, bytes] = (await inspections(await vice.samples())) as [Record<string, number>, number];
    await expect(claim(await inspection())).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    expect(await inspections(await vice.samples())).toEqual([{ succeeded: (ended['succeeded'] ?? 0) + 1 }, bytes]);
  });

  it('show the jobs that have not ended, and for how long', async () => {
    const [waiting, running] = [await importing(), await importing()];
    await claim(running.message);
    await vice.sql(`UPDATE jobs SET due_at = now() - interval '1000 seconds' WHERE id = '${waiting.message.jobId}'`);
    await vice.sql(`UPDATE jobs SET claimed_at = now() - interval '2000 seconds', lease_until = now() + interval '1 minute'
                    WHERE id = '${running.message.jobId}'`);
    const samples = await vice.samples();
    const imports = (name: string, labels = {}) => samples.sum(name, { kind: 'import', ...labels });
    const rows = await vice.sql(
      `SELECT state, count(*)::int FROM jobs WHERE kind = 'import' AND ended_at IS NULL GROUP BY state`,
    );
    const live = Object.fromEntries(rows.map(({ state, count }) => [state, count]));
    expect(samples.by('state', 'vice_jobs_live', { kind: 'import' })).toEqual(live);
    expect(imports('vice_jobs_oldest_queued_seconds')).toBeCloseTo(1000, -2);
    expect(imports('vice_jobs_longest_running_seconds')).toBeCloseTo(2000, -2);
    expect(imports('vice_queue_in_hand')).toBeGreaterThanOrEqual(1);
    await report(running.message, refused);
    await remove(waiting.image);
  });

  it('show what is in the blob store, and what it is there for', async () => {
    const { image } = await importing();
    const [original, variant, stray] = ['b', 'c', 'd'].map(digestOf) as [string, string, string];
    const classes = async () => (await vice.samples()).by('class', 'vice_blob_bytes');
    const before = await classes();
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('${original}', 100, 'stored'), ('${variant}', 2000, 'stored'),
                    ('${stray}', 30000, 'reserved')`);
    await vice.sql(`INSERT INTO variants (source_digest, content_type, recipe, digest, size)
                    VALUES ('${original}', 'disk-qcow2', 'qcow2', '${variant}', 2000)`);
    expect(await classes()).toEqual({ ...before, unreferenced: (before['unreferenced'] ?? 0) + 32100 });
    await vice.sql(`UPDATE images SET digest = '${original}' WHERE id = '${image.id}'`);
    expect(await classes()).toEqual({
      ...before,
      original: (before['original'] ?? 0) + 100,
      variant: (before['variant'] ?? 0) + 2000,
      unreferenced: (before['unreferenced'] ?? 0) + 30000,
    });
    await vice.sql(
      `INSERT INTO space_reservations (writer, bytes, expires_at) VALUES ('upload-1', 4096, now() + interval '1 minute')`,
    );
    expect((await vice.samples()).sum('vice_blob_reserved_bytes')).toBe(4096);
  });
});
