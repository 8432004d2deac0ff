import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SecretBox } from '#libs/secrets';
import {
  busyboxImage,
  describeWith,
  dockerEngine,
  freePort,
  postgres,
  projectRoot,
  rabbitmq,
  startEngine,
  startProcess,
  type TestEngine,
} from '#libs/testing';
import { expectStatus, type ViceClient } from './client.js';
import { SERVICES, startVice, type Service, type Vice } from './vice.js';

/** Sealed secrets, which every import and every check opens. */
const secrets = (location: string) => ({
  title: 'an engine',
  managementlayer: { software: 'docker' },
  credentials: { location, username: 'ada', password: 'a password', specifics: { accessToken: 'a token' } },
});

await describeWith([postgres(), rabbitmq(), dockerEngine('20')], 'a change of the secret key while services run', () => {
  const [former, next] = [SecretBox.newKey(), SecretBox.newKey()];
  let vice: Vice;
  let ada: ViceClient;
  let engine: TestEngine;
  /** Registered one after the other, while the keys changed. */
  const environments: string[] = [];

  beforeAll(async () => {
    engine = await startEngine('20');
    await busyboxImage(engine, 'small:1');
    vice = await startVice('separate', { env: { VICE_SECRET_KEY: former } });
    ada = await vice.newUser();
  }, 300_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  }, 60_000);

  test('before, an environment is registered', () => worksThroughout(), 120_000);

  test('first, all services learn the new key, one after the other', () => rollOut(former, next), 400_000);

  test('then they seal with it, one after the other', () => rollOut(next, former), 400_000);

  test('rotate-key without the former key changes nothing, and says which one is missing', async () => {
    const refusal = await rotateKey({ ...databaseOf(vice), VICE_SECRET_KEY: next });
    expect(refusal).toMatchObject({ code: 1, stderr: expect.stringContaining(SecretBox.fromKey(former).keyId) });
  }, 60_000);

  test('rotate-key seals everything anew', async () => {
    const done = await rotateKey({ ...databaseOf(vice), VICE_SECRET_KEY: next, VICE_OTHER_SECRET_KEYS: former });
    expect(done).toMatchObject({ code: 0, stdout: expect.stringMatching(/secrets of \d+ environments are sealed anew/) });
    await worksThroughout();
  }, 120_000);

  test.each<Service>(['gateway', 'registry', 'import-worker'])(
    'a %s that still seals with the former key does not start',
    async (service) => {
      const keys = { VICE_SECRET_KEY: former, VICE_OTHER_SECRET_KEYS: next };
      const late = await startProcess(service, {
        env: { ...environmentOf(vice), ...keys },
        port: await freePort(),
        waitUntilReady: false,
      });
      expect(await late.exited).toMatchObject({ code: 1 });
      expect(late.logs()).toContain(`${SecretBox.fromKey(former).keyId} was given up`);
    },
    120_000,
  );

  test('last, they forget the former key, and all environments go on working', () => rollOut(next), 400_000);

  async function rollOut(key: string, other = ''): Promise<void> {
    vice.configure({ VICE_SECRET_KEY: key, VICE_OTHER_SECRET_KEYS: other });
    for (const service of SERVICES) {
      await vice.process(service).kill('SIGTERM');
      await vice.restart();
      await worksThroughout();
    }
  }

  /** Registers one more, and has the secrets of all opened. */
  async function worksThroughout(): Promise<void> {
    environments.push((await ada.createEnvironment(secrets(engine.location))).id);
    for (const id of environments)
      expect(expectStatus(200, await ada.post(`/environment/${id}/check`))).toMatchObject({ ok: true });
    for (const id of [environments[0], environments.at(-1)]) await ada.importedImage(id ?? '', 'small:1');
  }
});

await describeWith([dockerEngine('20')], 'a change of the secret key of a data folder', () => {
  let vice: Vice;
  let engine: TestEngine;

  beforeAll(async () => {
    engine = await startEngine('20');
    await busyboxImage(engine, 'small:1');
    vice = await startVice('standalone');
  }, 300_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await engine?.[Symbol.asyncDispose]();
  }, 60_000);

  test('is refused while its ViCE runs, and then makes a new key; what was registered before goes on working', async () => {
    const ada = await vice.newUser();
    const { id } = await ada.createEnvironment(secrets(engine.location));
    const key = () => readFile(join(vice.dataDir, 'secret.key'), 'utf8');
    const former = await key();
    const env = { VICE_DATA_DIR: vice.dataDir };
    expect(await rotateKey(env)).toMatchObject({ code: 1, stderr: expect.stringContaining('is in use by process') });
    expect(await key()).toBe(former);
    await vice.terminate();
    expect(await rotateKey(env)).toMatchObject({ code: 0, stdout: expect.stringContaining('2 secrets of 1 environments') });
    expect(await key()).not.toBe(former);
    await vice.restart();
    expect(expectStatus(200, await ada.post(`/environment/${id}/check`))).toMatchObject({ ok: true });
    await ada.importedImage(id, 'small:1');

    // the key of before no longer opens it
    await vice.terminate();
    expect(await rotateKey({ ...env, VICE_SECRET_KEY: former.trim() })).toMatchObject({ code: 1 });
    await vice.restart();
  }, 300_000);
});

function databaseOf({ databaseUrl }: Vice) {
  return { DATABASE_URL: databaseUrl ?? '' };
}

/** What a further service needs to meet the others. */
function environmentOf(vice: Vice): Record<string, string> {
  const { url = '', queuePrefix = '' } = vice.broker ?? {};
  return { ...databaseOf(vice), AMQP_URL: url, VICE_QUEUE_PREFIX: queuePrefix, VICE_DATA_DIR: vice.dataDir };
}

/** As an operator runs it. */
async function rotateKey(env: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = join(projectRoot, 'dist/apps/standalone/rotate-key.js');
  try {
    const done = await promisify(execFile)(process.execPath, [program], { env: { ...process.env, NODE_OPTIONS: '', ...env } });
    return { code: 0, ...done };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}
