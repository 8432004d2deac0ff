import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EnvironmentCalls, ImageCalls, JobCalls, type Image, type JobMessage } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from './running-registry.js';

/** As many deliveries as make a message a dead letter. */
const DELIVERIES = 21;

await describeWith([postgres()], 'the relay', () => {
  let vice: RunningRegistry;
  let putOff = false;
  const refusals = new Map<string, number>();

  beforeAll(async () => {
    vice = await runRegistry({ variables: { VICE_LEASE_SECONDS: '60' }, beforeConfirm, refuses });
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  /** As the registry does with an inspection that has to wait for another of the same bytes. */
  async function beforeConfirm({ jobId }: JobMessage): Promise<void> {
    if (!putOff) return;
    putOff = false;
    await vice.sql(`UPDATE jobs SET due_at = now() + interval '1 second', publish_at = now() + interval '1 second',
                    published = false WHERE id = '${jobId}'`);
  }

  function refuses({ jobId }: JobMessage): boolean {
    const left = refusals.get(jobId) ?? 0;
    refusals.set(jobId, left - 1);
    return left > 0;
  }

  async function importing(): Promise<Image> {
    const userId = await vice.newUser();
    const id = crypto.randomUUID();
    const environment = { id, managementlayer: { software: 'docker' }, credentials: { location: 'unix:///nowhere.sock' } };
    await vice.ask(EnvironmentCalls.createEnvironment, { userId, environment });
    const origin = { originEnvironment: { known: id }, environmentReference: 'busybox' };
    return vice.ask(ImageCalls.createImage, { userId, image: origin });
  }

  async function comesAgainIn(ms: number, image: Image, message: JobMessage): Promise<void> {
    const began = performance.now();
    expect(await vice.next('import', image.id)).toEqual(message);
    expect(performance.now() - began).toBeLessThan(ms);
  }

  it('publishes a job in time that was put off between its message and the confirm of it', async () => {
    putOff = true;
    const image = await importing();
    await comesAgainIn(10_000, image, await vice.next('import', image.id));
  });

  it('publishes a job anew shortly whose message the broker gave up on', async () => {
    const image = await importing();
    const message = await vice.next('import', image.id);
    refusals.set(message.jobId, DELIVERIES);
    await vice.publish('import', message);
    await comesAgainIn(5_000, image, message);
    expect(await vice.ask(JobCalls.claimJob, { ...message, worker: 'test' })).toMatchObject({ attempt: 1 });
  });

  it('drops a dead letter that stands for no job any more, and goes on to the next', async () => {
    const image = await importing();
    const message = await vice.next('import', image.id);
    const strangers: JobMessage[] = [
      { jobId: 'nobody-knows', attempt: 1 },
      { jobId: crypto.randomUUID(), attempt: 1.5 },
      { jobId: crypto.randomUUID(), attempt: 7 },
    ];
    for (const letter of [...strangers, message]) {
      refusals.set(letter.jobId, DELIVERIES);
      await vice.publish('import', letter);
    }
    await comesAgainIn(5_000, image, message);
  });

  it('leaves a job alone that an attempt has, when the message of that one is dead', async () => {
    const image = await importing();
    const message = await vice.next('import', image.id);
    await vice.ask(JobCalls.claimJob, { ...message, worker: 'test' });
    const after = await importing();
    const next = await vice.next('import', after.id);
    for (const letter of [message, next]) {
      refusals.set(letter.jobId, DELIVERIES);
      await vice.publish('import', letter);
    }
    await comesAgainIn(5_000, after, next);
    expect(await vice.sql(`SELECT state, attempt FROM jobs WHERE id = '${message.jobId}'`)).toEqual([
      { state: 'running', attempt: 1 },
    ]);
  });
});
