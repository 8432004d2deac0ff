import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Job } from '#libs/contracts';
import {
  bigImage,
  describeWith,
  dockerEngine,
  postgres,
  rabbitmqOwn,
  startBroker,
  startEngine,
  until,
  type TestBroker,
  type TestEngine,
} from '#libs/testing';
import { expectStatus, isUnderWay, type ViceClient } from './client.js';
import { contentsOf } from './engine-contents.js';
import { lineTo, type HeldLine } from './held-line.js';
import { startVice, type Vice } from './vice.js';

const MIB = 1024 * 1024;

await describeWith([postgres(), rabbitmqOwn('3'), dockerEngine('20')], 'a broker that fails in the middle of jobs', () => {
  let rabbit: TestBroker;
  let vice: Vice;
  let ada: ViceClient;
  let engine: TestEngine;
  let lines: [source: HeldLine, target: HeldLine];
  let source: string;
  let target: string;

  beforeAll(async () => {
    [rabbit, engine] = await Promise.all([startBroker('3'), startEngine('20')]);
    vice = await startVice('separate', { amqpUrl: rabbit.url });
    await bigImage(engine, 'big:1', 48 * MIB);
    ada = await vice.newUser();
    lines = await Promise.all([lineTo(engine.socket), lineTo(engine.socket)]);
    const environments = await Promise.all(lines.map(({ location }) => ada.dockerEnvironment(location)));
    [source, target] = environments.map(({ id }) => id) as [string, string];
  }, 180_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([rabbit, ...(lines ?? []), engine].map((part) => part?.[Symbol.asyncDispose]()));
  }, 90_000);

  const FAILURES: [what: string, fail: () => Promise<void>][] = [
    ['the connections break', async () => vice.broker?.cut()],
    ['the broker closes all connections', () => rabbit.cutConnections()],
    ['the broker is restarted', async () => (await rabbit.halt(), await rabbit.start())],
    ['the broker is killed, and comes back', async () => (await rabbit.kill(), await rabbit.start())],
  ];

  test.each(FAILURES)(
    '%s: an import and a deployment under way end well, once',
    async (_, fail) => {
      const before = await contentsOf(engine);
      const image = await ada.settledImage((await ada.import(source, 'big:1')).id);
      expect(image.status).toBe('ready');
      for (const line of lines) line.holdAfter(16 * MIB);
      const [importing, deploying] = [await ada.import(source, 'big:1'), await ada.deploy(image.id, target)];
      await ada.job(`/image/${importing.id}`, isUnderWay, 'bytes of the import have come');
      await ada.job(`/deployment/${deploying.id}`, isUnderWay, 'bytes of the deployment have gone');
      await fail();
      for (const line of lines) line.letGo();
      await answersAgain();
      expect(await ada.settledImage(importing.id)).toMatchObject({ status: 'ready', digest: image.digest });
      expect(await ada.settledDeployment(deploying.id)).toMatchObject({ status: 'deployed' });
      for (const path of [`/image/${importing.id}`, `/deployment/${deploying.id}`]) {
        const succeeded = expectStatus(200, await ada.get<Job[]>(`${path}/jobs`)).filter(({ action }) => action !== 'inspect');
        expect(succeeded).toEqual([expect.objectContaining({ state: 'succeeded' })]);
      }
      await ada.undeploy(deploying.id);
      expect(await contentsOf(engine)).toEqual(before);
    },
    180_000,
  );

  test('no worker is deaf afterwards', async () => {
    const stats = expectStatus(200, await ada.get('/runtimestats'));
    expect(stats).toMatchObject({ importWorker: 1, exportWorker: 1, storeWorker: 1, importsPending: 0, exportsPending: 0 });
  });

  async function answersAgain(): Promise<void> {
    await until(async () => (await ada.get('/user')).status === 200 && (await ada.get('/runtimestats')).status === 200, {
      what: 'the API answers again',
      timeout: 60_000,
    });
  }
});
