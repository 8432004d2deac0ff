import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { EnvironmentCalls, ImageCalls, JobCalls, StatsCalls } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';

await describeWith([postgres()], 'runtime statistics', () => {
  let vice: RunningRegistry;
  beforeAll(async () => {
    vice = await runRegistry({ variables: { VICE_LEASE_SECONDS: '60' } });
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  test('count workers, and jobs in hand while their lease lasts', async () => {
    const idle = { importsPending: 0, importWorker: 1, exportsPending: 0, exportWorker: 1, storePending: 0, storeWorker: 1 };
    expect(await vice.ask(StatsCalls.runtimeStats, {})).toEqual(idle);

    const userId = await vice.newUser();
    const id = randomUUID();
    await vice.ask(EnvironmentCalls.createEnvironment, { userId, environment: { id } });
    const image = await vice.ask(ImageCalls.createImage, {
      userId,
      image: { originEnvironment: { known: id }, environmentReference: 'busybox' },
    });
    const message = await vice.next('import', image.id);
    expect(await vice.ask(StatsCalls.runtimeStats, {})).toEqual(idle);
    await vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
    expect(await vice.ask(StatsCalls.runtimeStats, {})).toEqual({ ...idle, importsPending: 1 });
    await vice.sql(`UPDATE jobs SET lease_until = now() - interval '1 second', state = 'failed' WHERE id = '${message.jobId}'`);
    expect(await vice.ask(StatsCalls.runtimeStats, {})).toEqual(idle);
  });
});
