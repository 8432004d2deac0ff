import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  EnvironmentCalls,
  ImageCalls,
  JobCalls,
  type Image,
  type Job,
  type JobMessage,
  type JobOutcome,
  type JobProgress,
} from '#libs/contracts';
import { describeWith, postgres, until } from '#libs/testing';
import { runRegistry, type RunningRegistry } from './running-registry.js';

const none: JobProgress = { bytesDone: 0, bytesTotal: null, bytesPerSecond: 0 };
const succeeded: JobOutcome = {
  kind: 'succeeded',
  result: {
    digest: `sha256:${'a'.repeat(64)}`,
    size: 5,
    contentType: 'disk-raw',
    name: 'remote name',
    metadata: { os: 'linux' },
  },
};
const unreachable: JobOutcome = {
  kind: 'failed',
  code: 'ENVIRONMENT_UNREACHABLE',
  message: 'the engine does not answer',
  transient: true,
};

await describeWith([postgres()], 'the life of a job', () => {
  let vice: RunningRegistry;
  let user: string;

  beforeAll(async () => {
    vice = await runRegistry();
    user = await vice.newUser();
    await vice.sql(`INSERT INTO blobs (digest, size, state) VALUES ('sha256:${'a'.repeat(64)}', 5, 'stored')`);
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  async function importing(): Promise<{ image: Image; message: JobMessage }> {
    const id = crypto.randomUUID();
    const environment = { id, managementlayer: { software: 'docker' }, credentials: { location: 'unix:///nowhere.sock' } };
    await vice.ask(EnvironmentCalls.createEnvironment, { userId: user, environment });
    const image = await vice.ask(ImageCalls.createImage, {
      userId: user,
      image: { originEnvironment: { known: id }, environmentReference: 'busybox' },
    });
    return { image, message: await vice.next('import', image.id) };
  }

  const claim = (message: JobMessage) => vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
  const report = ({ jobId, attempt }: JobMessage, outcome: JobOutcome, more: { leftTemporaries?: boolean; log?: string } = {}) =>
    vice.ask(JobCalls.reportJob, { jobId, attempt, outcome, progress: none, ...more });
  const heartbeat = ({ jobId, attempt }: JobMessage, progress = none) =>
    vice.ask(JobCalls.heartbeat, { jobId, attempt, progress });
  const jobs = (image: Image) => vice.ask(JobCalls.jobsOfImage, { userId: user, imageId: image.id });
  const onlyJob = async (image: Image): Promise<Job> => (await jobs(image))[0]!;
  const imageNow = (image: Image) => vice.ask(ImageCalls.getImage, { userId: user, imageId: image.id });

  it('is published with the number of its next attempt, and claimed once', async () => {
    const { image, message } = await importing();
    expect(message.attempt).toBe(1);
    const claimed = await claim(message);
    expect(claimed).toMatchObject({
      action: 'import',
      attempt: 1,
      leaseMs: 1000,
      payload: { imageId: image.id, reference: 'busybox', marker: message.jobId },
    });
    await expect(vice.ask(JobCalls.claimJob, { ...message, worker: 'another' })).rejects.toMatchObject({
      code: 'JOB_NOT_CLAIMABLE',
    });
    expect(await onlyJob(image)).toMatchObject({ state: 'running', attempt: 1, startedAt: expect.any(String) });
  });

  it('is claimed again by the same worker, whose answer was lost', async () => {
    const { message } = await importing();
    expect(await claim(message)).toEqual(await claim(message));
  });

  it('is not claimed under the number of another attempt', async () => {
    const { message } = await importing();
    await expect(claim({ ...message, attempt: 2 })).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
  });

  it.each([
    ['nobody-knows', 1],
    [crypto.randomUUID(), 1],
    [crypto.randomUUID(), 1.5],
    [crypto.randomUUID(), 2 ** 40],
  ])('that there is not is not claimed: %s, attempt %d', async (jobId, attempt) => {
    await expect(claim({ jobId, attempt })).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('that cannot be given to a worker counts a failure, which shows, and is tried again', async () => {
    const { image, message } = await importing();
    await vice.sql(`ALTER TABLE environments RENAME COLUMN location TO elsewhere`);
    await expect(claim(message)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    await vice.sql(`ALTER TABLE environments RENAME COLUMN elsewhere TO location`);
    expect(await onlyJob(image)).toMatchObject({ state: 'queued', attempt: 1, error: { code: 'INTERNAL' } });
    expect(await vice.sql(`SELECT failures FROM jobs WHERE id = '${message.jobId}'`)).toEqual([{ failures: 1 }]);
    const second = await vice.next('import', image.id);
    expect(second.attempt).toBe(2);
    await claim(second);
    await report(second, succeeded);
  });

  it('whose environment is gone fails when it is claimed', async () => {
    const { image, message } = await importing();
    await vice.sql(`UPDATE jobs SET environment_id = NULL WHERE id = '${message.jobId}'`);
    await expect(claim(message)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    expect(await onlyJob(image)).toMatchObject({ state: 'failed', error: { code: 'ENVIRONMENT_NOT_FOUND' } });
    expect(await imageNow(image)).toMatchObject({ status: 'failed' });
  });

  it('shows its progress with each heartbeat, and keeps its lease', async () => {
    const { image, message } = await importing();
    await claim(message);
    expect(await heartbeat(message, { bytesDone: 7, bytesTotal: 10, bytesPerSecond: 3.4 })).toEqual({
      stop: null,
      leaseMs: 1000,
    });
    expect(await onlyJob(image)).toMatchObject({ bytesDone: 7, bytesTotal: 10, bytesPerSecond: 3 });
  });

  it('goes on as an inspection when the import succeeded, and takes name and metadata over', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, succeeded);
    expect(await imageNow(image)).toMatchObject({
      status: 'importing',
      imported: false,
      title: 'remote name',
      specifics: { docker: { os: 'linux' } },
    });
    const inspection = await vice.next('store', image.id);
    expect(await claim(inspection)).toMatchObject({ action: 'inspect', payload: { size: 5, contentType: 'disk-raw' } });
    await report(inspection, { kind: 'succeeded', result: { contentType: 'disk-raw', facts: {}, contentDigest: null } });
    expect(await imageNow(image)).toMatchObject({ status: 'ready', imported: true, contenttype: 'disk-raw', size: 5 });
    expect((await jobs(image)).map(({ kind, state }) => [kind, state])).toEqual([
      ['store', 'succeeded'],
      ['import', 'succeeded'],
    ]);
  });

  it('does not inspect the same bytes twice', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, succeeded);
    await expect(claim(await vice.next('store', image.id))).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
    expect(await imageNow(image)).toMatchObject({ status: 'ready' });
  });

  it('is tried again after a transient error, which shows meanwhile', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, unreachable);
    expect(await onlyJob(image)).toMatchObject({
      state: 'queued',
      attempt: 1,
      error: { code: 'ENVIRONMENT_UNREACHABLE', message: 'the engine does not answer' },
    });
    expect((await imageNow(image)).status).toBe('importing');
    const second = await vice.next('import', image.id);
    expect(second).toMatchObject({ jobId: message.jobId, attempt: 2 });
    expect((await claim(second)).payload).toMatchObject({ formerWriters: [`${message.jobId}.1`] });
  });

  it('fails at once after a final error, and so does its image', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'wrong password', transient: false });
    expect(await onlyJob(image)).toMatchObject({
      state: 'failed',
      error: { code: 'CREDENTIALS_REFUSED' },
      endedAt: expect.any(String),
    });
    expect(await imageNow(image)).toMatchObject({ status: 'failed', imported: false });
  });

  it('keeps what cannot be stored out of its log and its error', async () => {
    const { image, message } = await importing();
    await claim(message);
    const outcome: JobOutcome = { kind: 'failed', code: 'ENVIRONMENT_REFUSED', message: 'no\0way', transient: false };
    await report(message, outcome, { log: 'half a \ud800 pair' });
    expect(await onlyJob(image)).toMatchObject({ log: 'half a \ufffd pair', error: { message: 'no\ufffdway' } });
  });

  it('goes to another attempt when its lease lapses, and fences the former one', async () => {
    const { image, message } = await importing();
    await claim(message);
    const second = await vice.next('import', image.id);
    expect(second.attempt).toBe(2);
    expect(await heartbeat(message)).toMatchObject({ stop: 'fenced' });
    await expect(report(message, succeeded)).rejects.toMatchObject({ code: 'JOB_FENCED' });
    await claim(second);
    await expect(report(message, succeeded)).rejects.toMatchObject({ code: 'JOB_FENCED' });
    await report(second, succeeded);
  });

  it('goes to another attempt although the end of another job cannot be written down', async () => {
    const [poison, other] = [await importing(), await importing()];
    await vice.sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$`);
    await vice.sql(`CREATE TRIGGER refuse BEFORE UPDATE ON images FOR EACH ROW WHEN (OLD.id = '${poison.image.id}')
                    EXECUTE FUNCTION refuse()`);
    await vice.sql(`UPDATE jobs SET failures = 7 WHERE id = '${poison.message.jobId}'`);
    await claim(poison.message);
    await claim(other.message);
    expect(await vice.next('import', other.image.id)).toMatchObject({ attempt: 2 });
    const states = async () => (await jobs(poison.image)).map(({ action, state }) => `${action} ${state}`);
    expect(await states()).toEqual(['import running']);
    await vice.sql('DROP FUNCTION refuse CASCADE');
    await until(async () => (await states()).includes('import failed'), { what: 'it has ended too' });
  });

  it('carries on at once when it is handed back, and counts no failure', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, { kind: 'handed-back' });
    expect(await vice.next('import', image.id)).toMatchObject({ attempt: 2 });
    expect((await onlyJob(image)).error).toBeNull();
    expect(await vice.sql(`SELECT failures FROM jobs WHERE id = '${message.jobId}'`)).toEqual([{ failures: 0 }]);
  });

  it('is the same when its report is heard twice', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'no', transient: false });
    const once = await onlyJob(image);
    await report(message, { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'no', transient: false });
    expect(await onlyJob(image)).toEqual(once);
    expect(await vice.sql(`SELECT failures FROM jobs WHERE id = '${message.jobId}'`)).toEqual([{ failures: 1 }]);
  });

  it('is told to stop when its image is deleted', async () => {
    const { image, message } = await importing();
    await claim(message);
    await vice.ask(ImageCalls.deleteImage, { userId: user, imageId: image.id });
    expect(await heartbeat(message)).toMatchObject({ stop: 'cancelled' });
    await report(message, { kind: 'cancelled' });
    expect(await vice.sql(`SELECT state FROM jobs WHERE id = '${message.jobId}'`)).toEqual([{ state: 'cancelled' }]);
  });

  it('that waits is cancelled at once, and claimed by nobody', async () => {
    const { image, message } = await importing();
    await vice.ask(ImageCalls.deleteImage, { userId: user, imageId: image.id });
    await expect(claim(message)).rejects.toMatchObject({ code: 'JOB_NOT_CLAIMABLE' });
  });

  it('drops what an older generation brings', async () => {
    const { image, message } = await importing();
    await claim(message);
    await vice.ask(ImageCalls.updateImage, { userId: user, imageId: image.id, image: { environmentReference: 'alpine' } });
    await report(message, succeeded);
    const newer = await vice.next('import', image.id);
    expect((await claim(newer)).payload).toMatchObject({ reference: 'alpine' });
    expect((await imageNow(image)).specifics).toEqual({});
    await report(newer, succeeded);
  });

  it('has its temporaries disposed of by a job of its own, where it could not do so itself', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(
      message,
      { kind: 'failed', code: 'REMOTE_IMAGE_NOT_FOUND', message: 'gone', transient: false },
      { leftTemporaries: true },
    );
    const disposal = await vice.next('import', image.id);
    expect(await claim(disposal)).toMatchObject({
      action: 'dispose',
      payload: { marker: message.jobId, environment: { software: 'docker' } },
    });
    await report(disposal, { kind: 'succeeded', result: {} });
  });

  it.each<[string, JobOutcome]>([
    ['failed', { kind: 'failed', code: 'CREDENTIALS_REFUSED', message: 'no', transient: false }],
    ['was cancelled', { kind: 'cancelled' }],
  ])('has the temporaries of a former attempt disposed of when a later one, which made none, %s', async (_, outcome) => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, unreachable, { leftTemporaries: true });
    const second = await vice.next('import', image.id);
    await claim(second);
    await report(second, outcome);
    const disposal = await vice.next('import', image.id);
    expect(await claim(disposal)).toMatchObject({ action: 'dispose', payload: { marker: message.jobId } });
    await report(disposal, { kind: 'succeeded', result: {} });
  });

  it('leaves nothing to dispose of when a later attempt succeeded', async () => {
    const { image, message } = await importing();
    await claim(message);
    await report(message, unreachable, { leftTemporaries: true });
    const second = await vice.next('import', image.id);
    await claim(second);
    await report(second, succeeded);
    expect((await jobs(image)).map(({ action }) => action)).not.toContain('dispose');
  });

  it('keeps a deleted environment until its import has stopped, and no longer', async () => {
    const { image, message } = await importing();
    await claim(message);
    const environmentId = image.originEnvironment!.id!;
    await vice.ask(EnvironmentCalls.deleteEnvironment, { userId: user, environmentId });
    expect((await imageNow(image)).originEnvironment).toBeNull();
    expect(await heartbeat(message)).toMatchObject({ stop: 'cancelled' });
    await report(message, { kind: 'cancelled' }, { leftTemporaries: true });
    const disposal = await vice.next('import', image.id);
    await claim(disposal);
    await report(disposal, { kind: 'succeeded', result: {} });
    expect(await vice.sql(`SELECT 1 FROM environments WHERE id = '${environmentId}'`)).toEqual([]);
  });

  it('fails when the eighth attempt fails, and says how often it was tried', async () => {
    const { image, message } = await importing();
    await vice.sql(`UPDATE jobs SET failures = 7 WHERE id = '${message.jobId}'`);
    await claim(message);
    await report(message, unreachable);
    expect(await onlyJob(image)).toMatchObject({
      state: 'failed',
      error: { message: 'the engine does not answer (given up after 8 attempts)' },
    });
  });

  it('is published again when its message was lost', async () => {
    const { image, message } = await importing();
    await vice.sql(`UPDATE jobs SET publish_at = now() - interval '1 minute' WHERE id = '${message.jobId}'`);
    expect(await vice.next('import', image.id)).toMatchObject({ jobId: message.jobId });
  });

  it('goes on after the one process it lived in was killed', async () => {
    const { image, message } = await importing();
    await claim(message);
    await vice.restart();
    expect(await vice.next('import', image.id)).toMatchObject({ jobId: message.jobId });
  });
});
