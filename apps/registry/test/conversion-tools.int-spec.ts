import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { ToolCalls, type Deployment, type JobMessage, type Toolset } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { ConversionPlace } from './conversion-place.js';

await describeWith([postgres()], 'what store workers say of their tools', () => {
  let place: ConversionPlace;
  beforeAll(async () => void (place = await ConversionPlace.open()));
  afterEach(async () => void (await place.vice.sql('DELETE FROM store_workers')));
  afterAll(async () => place[Symbol.asyncDispose]());

  const said = (worker: string, toolsets: Toolset[], missing: string[] = []) =>
    place.vice.ask(ToolCalls.toolsetsOf, { worker, toolsets, missing });
  const notHeardOf = (worker: string) =>
    place.vice.sql(`UPDATE store_workers SET seen_at = now() - interval '91 seconds' WHERE worker = '${worker}'`);

  async function deploying(): Promise<Deployment> {
    return place.deploy((await place.image('disk-vdi')).id, await place.environment());
  }

  /** The conversion lands on the worker of the test, which has no tools for it. */
  async function missesTools({ id }: Deployment): Promise<JobMessage> {
    const message = await place.vice.next('convert', id);
    await place.claim(message);
    await place.report(message, { kind: 'failed', code: 'TOOLS_MISSING', message: 'qemu-img is missing', transient: false });
    return message;
  }

  it('has a deployment refused at once where none has the tools, until one has', async () => {
    await said('a', [], ['qemu-img', 'bwrap']);
    await expect(deploying()).rejects.toMatchObject({
      code: 'TOOLS_MISSING',
      message: expect.stringMatching(/qemu-img.*missing: qemu-img, bwrap.*scripts\/install-tools\.sh/),
    });
    await said('b', ['qemu-img']);
    await deploying();
    await notHeardOf('b');
    await expect(deploying()).rejects.toMatchObject({ code: 'TOOLS_MISSING' });
  });

  it('does not count any more once it is withdrawn', async () => {
    await said('a', []);
    await said('b', ['qemu-img']);
    await place.vice.ask(ToolCalls.withdrawToolsets, { worker: 'b' });
    await expect(deploying()).rejects.toMatchObject({ code: 'TOOLS_MISSING' });
  });

  it('is forgotten with the one process that all lived in', async () => {
    await said('a', ['qemu-img']);
    await place.vice.restart();
    expect(await place.vice.sql('SELECT FROM store_workers')).toEqual([]);
  });

  it('hands a conversion on that landed where the tools lack, as often as it takes', async () => {
    await said('test', [], ['qemu-img']);
    await said('b', ['qemu-img']);
    const deployment = await deploying();
    await missesTools(deployment);
    const error = { code: 'TOOLS_MISSING', message: 'qemu-img is missing' };
    expect(await place.now(deployment)).toMatchObject({ status: 'converting', plan: [{ state: 'queued', error }, {}] });
    const { attempt } = await missesTools(deployment);
    expect(attempt).toBe(2);
    const [job] = await place.vice.sql(`SELECT failures FROM jobs WHERE deployment_id = '${deployment.id}'`);
    expect(job).toEqual({ failures: 0 });
    await place.convert(deployment);
    expect(await place.now(deployment)).toMatchObject({ plan: [{ state: 'succeeded', error: null }, { state: 'queued' }] });
  });

  it('counts a failure where a worker lacks what it said to have', async () => {
    await said('test', ['qemu-img']);
    await said('b', ['qemu-img']);
    const deployment = await deploying();
    const { jobId } = await missesTools(deployment);
    expect(await place.vice.sql(`SELECT state, failures FROM jobs WHERE id = '${jobId}'`)).toEqual([
      { state: 'queued', failures: 1 },
    ]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['no other worker has the tools', () => said('b', ['container-disk'])],
    ['the worker that has the tools is not heard of any more', () => notHeardOf('b')],
    ['the only worker is mistaken about itself', () => Promise.all([said('test', ['qemu-img']), said('b', [])])],
  ])('fails a conversion for good where %s', async (_, then) => {
    await said('test', []);
    await said('b', ['qemu-img']);
    const deployment = await deploying();
    await then();
    await missesTools(deployment);
    expect(await place.now(deployment)).toMatchObject({ status: 'failed', plan: [{ state: 'failed' }, { state: 'planned' }] });
  });
});
