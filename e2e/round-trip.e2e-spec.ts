import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Image } from '#libs/contracts';
import { bigImage, busyboxImage, dockerEngine, startEngine, type TestEngine } from '#libs/testing';
import { isUnderWay, type ViceClient } from './client.js';
import { contentsOf, removeTag, type EngineContents } from './engine-contents.js';
import { lineTo, type HeldLine } from './held-line.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const MIB = 1024 * 1024;
const BIG = 48 * MIB;
/** Where a transfer of the big image is stopped. */
const MIDDLE = 16 * MIB;

await inBothWays('an image travels between two engines', [dockerEngine('20'), dockerEngine('26c')], (way) => {
  let vice: Vice;
  let ada: ViceClient;
  let first: TestEngine;
  let second: TestEngine;
  let lineToFirst: HeldLine;
  let lineToSecond: HeldLine;
  let from: string;
  let to: string;
  let busybox: string;
  let atFirst: EngineContents;
  let atSecond: EngineContents;

  beforeAll(async () => {
    [first, second, vice] = await Promise.all([startEngine('20'), startEngine('26c'), startVice(way)]);
    busybox = await busyboxImage(first, 'travel/busybox:1', { greeting: 'hello from the first engine' });
    await bigImage(first, 'travel/big:1', BIG);
    await busyboxImage(second, 'resident:1', { greeting: 'I was here before' });
    [atFirst, atSecond] = await Promise.all([contentsOf(first), contentsOf(second)]);
    ada = await vice.newUser();
    [lineToFirst, lineToSecond] = await Promise.all([lineTo(first.socket), lineTo(second.socket)]);
    from = (await ada.dockerEnvironment(lineToFirst.location, 'first')).id;
    to = (await ada.dockerEnvironment(lineToSecond.location, 'second')).id;
  }, 180_000);

  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([lineToFirst, lineToSecond, first, second].map((part) => part?.[Symbol.asyncDispose]()));
  }, 60_000);

  test('both engines answer, and say what can be imported', async () => {
    for (const id of [from, to]) {
      const { body } = await ada.post<{ ok: boolean; message: string }>(`/environment/${id}/check`);
      expect(body).toMatchObject({ ok: true });
    }
    const { body } = await ada.get<{ reference: string; name: string; importable: boolean }[]>(`/environment/${from}/images`);
    expect(body).toContainEqual(
      expect.objectContaining({ name: 'travel/busybox:1', contenttype: 'docker-image', importable: true }),
    );
  });

  test('imported from the first, it runs on the second, and comes back to the first as the same image', async () => {
    const imported = await importedImage(from, 'travel/busybox:1', 'BusyBox');
    expect(imported).toMatchObject({ status: 'ready', imported: true, contenttype: 'docker-image', title: 'BusyBox' });
    expect(imported.digest).toBe(await digestOfDownload(imported.id));

    const there = await deployed(imported.id, to);
    expect(there.environmentReference).toBe(await second.imageId(ourTag(await second.tags(), there.id)));
    expect(there.receipt).not.toBeNull();
    expect(await second.run(there.environmentReference ?? '')).toEqual({ exitCode: 0, output: 'hello from the first engine\n' });

    const again = await importedImage(to, there.environmentReference ?? '', 'BusyBox, back');
    await removeTag(first, 'travel/busybox:1');
    expect(await first.imageId('travel/busybox:1')).toBeNull();
    const back = await deployed(again.id, from);
    expect(back.environmentReference).toBe(busybox);
    expect(await first.run(busybox)).toEqual({ exitCode: 0, output: 'hello from the first engine\n' });

    await first.api('POST', `/images/${busybox}/tag`, { query: { repo: 'travel/busybox', tag: '1' } });
    await ada.undeploy(back.id);
    await ada.undeploy(there.id);
    await nothingOfOursIsLeft();
  }, 120_000);

  test('a container is imported by way of a commit, which goes again', async () => {
    const created = await first.api('POST', '/containers/create', {
      query: { name: 'traveller' },
      json: {
        Image: 'travel/busybox:1',
        Cmd: ['sh', '-c', 'echo changed > /greeting'],
        NetworkDisabled: true,
        HostConfig: { NetworkMode: 'none' },
      },
    });
    const { Id } = JSON.parse(created) as { Id: string };
    await first.api('POST', `/containers/${Id}/start`);
    await first.api('POST', `/containers/${Id}/wait`);
    const imported = await importedImage(from, 'container:traveller', 'a container');
    const there = await deployed(imported.id, to);
    expect((await second.run(there.environmentReference ?? '', ['cat', '/greeting'])).output).toBe('changed\n');
    await ada.undeploy(there.id);
    await first.api('DELETE', `/containers/${Id}`);
    await nothingOfOursIsLeft();
  }, 120_000);

  test('an import whose worker is killed in the middle ends well, once, with the digest it would have had', async () => {
    const undisturbed = await importedImage(from, 'travel/big:1', 'big');
    lineToFirst.holdAfter(MIDDLE);
    const { id } = await ada.import(from, 'travel/big:1', { title: 'big, killed' });
    await ada.job(`/image/${id}`, isUnderWay, 'bytes of the import have come');
    await vice.crash('import-worker');
    lineToFirst.letGo();
    const killed = await ada.settledImage(id);
    expect(killed).toMatchObject({ status: 'ready', digest: undisturbed.digest, size: undisturbed.size });
    const imports = (await ada.imageJobs(id)).filter((job) => job.action === 'import');
    expect(imports).toEqual([expect.objectContaining({ state: 'succeeded', attempt: 2, bytesDone: killed.size })]);
    await nothingOfOursIsLeft();
  }, 180_000);

  test('a deployment whose worker is killed in the middle ends well, once', async () => {
    const big = await importedImage(from, 'travel/big:1', 'big');
    lineToSecond.holdAfter(MIDDLE);
    const { id } = await ada.deploy(big.id, to);
    await ada.job(`/deployment/${id}`, isUnderWay, 'bytes of the deployment have gone');
    await vice.crash('export-worker');
    lineToSecond.letGo();
    const there = await ada.settledDeployment(id);
    expect(there).toMatchObject({ status: 'deployed' });
    expect(await ada.deploymentJobs(id)).toEqual([expect.objectContaining({ action: 'deploy', state: 'succeeded', attempt: 2 })]);
    const brought = (await second.tags()).filter((tag) => tag !== 'resident:1');
    expect(brought).toEqual([ourTag(brought, id)]);
    expect(await sumOfData(second, there.environmentReference ?? '')).toBe(await sumOfData(first, 'travel/big:1'));
    await ada.undeploy(id);
    await nothingOfOursIsLeft();
  }, 180_000);

  test('a deployment of an image that is there already takes nothing along when it goes', async () => {
    const imported = await importedImage(from, 'travel/busybox:1', 'BusyBox');
    const one = await deployed(imported.id, from, { specifics: { tag: 'wanted/name:7' } });
    const two = await deployed(imported.id, from);
    expect([one.environmentReference, two.environmentReference]).toEqual([busybox, busybox]);
    expect(await first.tags()).toContain('wanted/name:7');
    await ada.undeploy(one.id);
    expect(await first.imageId('wanted/name:7')).toBeNull();
    expect(ourTag(await first.tags(), two.id)).toBeDefined();
    await ada.undeploy(two.id);
    await nothingOfOursIsLeft();
  }, 120_000);

  test('a Dockerfile is built where it is deployed, and tells how that went', async () => {
    const image = await ada.uploadedImage(Buffer.from('FROM travel/busybox:1\nENV FROM=Dockerfile\nCMD ["env"]\n'), {
      title: 'recipe',
    });
    const there = await deployed(image.id, from);
    expect((await first.run(there.environmentReference ?? '')).output).toContain('FROM=Dockerfile\n');
    expect((await ada.deploymentJobs(there.id))[0]?.log).toContain('ENV FROM=Dockerfile');
    await ada.undeploy(there.id);
    await nothingOfOursIsLeft();
  });

  async function importedImage(environment: string, reference: string, title: string): Promise<Image> {
    const { id } = await ada.import(environment, reference, { title });
    const image = await ada.settledImage(id);
    expect({ status: image.status, jobs: (await ada.imageJobs(id)).map(({ error }) => error) }).toMatchObject({
      status: 'ready',
    });
    return image;
  }

  async function deployed(imageId: string, environmentId: string, more: object = {}) {
    const { id } = await ada.deploy(imageId, environmentId, more);
    const deployment = await ada.settledDeployment(id);
    expect({ ...deployment, jobs: await ada.deploymentJobs(id) }).toMatchObject({ status: 'deployed' });
    return deployment;
  }

  async function digestOfDownload(imageId: string): Promise<string> {
    const bytes = Buffer.from(await (await ada.download(imageId)).arrayBuffer());
    return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  }

  async function nothingOfOursIsLeft(): Promise<void> {
    expect(await contentsOf(first)).toEqual(atFirst);
    expect(await contentsOf(second)).toEqual(atSecond);
  }
});

/** The tag that marks a deployment: `<title as a repository name>:vice-<its id, short>`. */
function ourTag(tags: readonly string[], deploymentId: string): string {
  const tag = tags.find((one) => one.includes(`:vice-${deploymentId.slice(0, 8)}`));
  if (tag === undefined) throw new Error(`no tag of deployment ${deploymentId} among ${tags.join(', ')}`);
  return tag;
}

async function sumOfData(engine: TestEngine, image: string): Promise<string> {
  return (await engine.run(image, ['sha256sum', '/data'])).output;
}
