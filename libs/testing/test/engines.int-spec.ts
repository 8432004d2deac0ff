import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { bigImage, busyboxImage, describeWith, dockerEngine, startEngine, type EngineVersion } from '../index.js';

const versions: Record<EngineVersion, RegExp> = { '20': /^20\.10\./, '26': /^26\.1\./, '26c': /^26\.1\./ };

for (const version of ['20', '26c'] as const) {
  await describeWith([dockerEngine(version)], `a Docker Engine (${version})`, () => {
    test('starts, runs a container, keeps its images over a kill and a restart, and leaves nothing', async () => {
      await using engine = await startEngine(version);
      const { Version } = JSON.parse(await engine.api('GET', '/version')) as { Version: string };
      expect(Version).toMatch(versions[version]);

      const id = await busyboxImage(engine, 'busybox:test', { greeting: `hello from ${version}` });
      expect(await engine.imageId('busybox:test')).toBe(id);
      expect(await engine.run('busybox:test')).toEqual({ exitCode: 0, output: `hello from ${version}\n` });
      expect((await engine.run('busybox:test', ['/bin/sh', '-c', 'exit 3'])).exitCode).toBe(3);

      await bigImage(engine, 'big:test', 5_000_000);
      expect((await engine.run('big:test', ['/bin/wc', '-c', '/data'])).output).toBe('5000000 /data\n');

      if (process.env[`TEST_DOCKER_${version.toUpperCase()}`] !== undefined) return;
      await engine.kill();
      await expect(engine.tags()).rejects.toThrow();
      await engine.start();
      await engine.halt();
      await engine.start();
      expect(await engine.tags()).toEqual(['big:test', 'busybox:test']);
      await engine.stop();
      expect(existsSync(engine.socket)).toBe(false);
    }, 120_000);
  });
}

describe('a missing requirement', () => {
  test('says what is missing', async () => {
    process.env['TEST_DOCKER_26'] = '/nowhere/docker.sock';
    await expect(dockerEngine('26').find()).rejects.toThrow('TEST_DOCKER_26 names /nowhere/docker.sock, which does not exist');
    delete process.env['TEST_DOCKER_26'];
  });
});
