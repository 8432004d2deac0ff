import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EnvironmentCalls, ImageCalls, type JobMessage } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from './running-registry.js';

await describeWith([postgres()], 'the relay', () => {
  let vice: RunningRegistry;
  let putOff = 0;

  beforeAll(async () => {
    vice = await runRegistry({ beforeConfirm });
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  /** As the registry does with an inspection that has to wait for another of the same bytes. */
  async function beforeConfirm({ jobId }: JobMessage): Promise<void> {
    if (putOff++ > 0) return;
    await vice.sql(`UPDATE jobs SET due_at = now() + interval '1 second', publish_at = now() + interval '1 second',
                    published = false WHERE id = '${jobId}'`);
  }

  it('publishes a job in time that was put off between its message and the confirm of it', async () => {
    const userId = await vice.newUser();
    const id = crypto.randomUUID();
    const environment = { id, managementlayer: { software: 'docker' }, credentials: { location: 'unix:///nowhere.sock' } };
    await vice.ask(EnvironmentCalls.createEnvironment, { userId, environment });
    const origin = { originEnvironment: { known: id }, environmentReference: 'busybox' };
    const image = await vice.ask(ImageCalls.createImage, { userId, image: origin });
    const first = await vice.next('import', image.id);
    const began = performance.now();
    expect(await vice.next('import', image.id)).toEqual(first);
    expect(performance.now() - began).toBeLessThan(10_000);
  }, 30_000);
});
