import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import {
  busyboxPath,
  describeWith,
  dockerEngine,
  root,
  startEngine,
  tempDir,
  tool,
  type EngineVersion,
  type TempDir,
  type TestEngine,
} from '#libs/testing';
import { inMemory } from '#libs/testing/images';
import { inspect } from '../../inspect.js';
import { convertDisk, partitionedDisk } from './convert-disk.js';

const run = promisify(execFile);
const VERSIONS = ['20', '26', '26c'] as const;

await describeWith(
  [tool('mke2fs'), root(), ...VERSIONS.map((version) => dockerEngine(version))],
  'a container image that was made of a disk',
  () => {
    const engines = new Map<EngineVersion, TestEngine>();
    let dir: TempDir;
    let disk: Buffer;

    const filesystem = async (files: Record<string, string>, ...options: string[]) => {
      const tree = `${dir.path}/tree`;
      await rm(tree, { recursive: true, force: true });
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(`${tree}/${path}`), { recursive: true });
        await writeFile(`${tree}/${path}`, content);
      }
      return async () => {
        await run('mke2fs', [
          '-q',
          '-F',
          '-t',
          'ext4',
          '-d',
          tree,
          '-E',
          'root_owner=0:0',
          ...options,
          `${dir.path}/disk`,
          '16M',
        ]);
        return readFile(`${dir.path}/disk`);
      };
    };

    beforeAll(async () => {
      dir = await tempDir();
      const format = await filesystem({
        'etc/os-release': 'PRETTY_NAME="A disk"\n',
        'bin/.keep': '',
        'data/private': 'secret\n',
      });
      await copyFile(busyboxPath(), `${dir.path}/tree/bin/busybox`);
      for (const name of ['sh', 'cat', 'stat']) await symlink('busybox', `${dir.path}/tree/bin/${name}`);
      await run('sh', ['-c', 'chown 1234:70000 data/private && chmod 4750 data/private && ln data/private data/twin'], {
        cwd: `${dir.path}/tree`,
      });
      disk = await format();
      for (const version of VERSIONS) engines.set(version, await startEngine(version));
    }, 300_000);
    afterAll(async () => {
      for (const engine of engines.values()) await engine.stop();
      await dir.remove();
    }, 60_000);

    const load = async (version: EngineVersion, archive: Buffer) => {
      const answer = await engines.get(version)!.api('POST', '/images/load', { body: Readable.from([archive]) });
      return /sha256:[0-9a-f]{64}/.exec(answer)![0];
    };

    test.each(VERSIONS)('runs on an engine (%s), and has the owners, modes and links of the disk', async (version) => {
      const { archive } = await convertDisk(dir.path, disk);
      const engine = engines.get(version)!;
      const image = await load(version, archive);
      expect(await engine.run(image, ['cat', '/etc/os-release'])).toEqual({ exitCode: 0, output: 'PRETTY_NAME="A disk"\n' });
      const { output } = await engine.run(image, ['stat', '-c', '%a %u:%g %h %i', '/data/private', '/data/twin']);
      expect(output).toMatch(/^4750 1234:70000 2 (\d+)\n4750 1234:70000 2 \1\n$/);
      expect((await inspect(inMemory(archive), 'docker-image')).facts).toMatchObject({ architecture: 'amd64', repoTags: [] });
    });

    test.each(VERSIONS)('that was an image before runs as it did, on an engine (%s)', async (version) => {
      const config = {
        Entrypoint: ['/bin/sh', '-c'],
        Cmd: ['echo $GREETING; cat /.vice/container.json'],
        Env: ['GREETING=hello'],
      };
      const record = {
        version: 1,
        os: 'linux',
        architecture: 'amd64',
        author: 'somebody',
        created: '2020-01-01T00:00:00Z',
        config,
      };
      const format = await filesystem({ '.vice/container.json': JSON.stringify(record), 'bin/.keep': '' });
      await copyFile(busyboxPath(), `${dir.path}/tree/bin/busybox`);
      for (const name of ['sh', 'cat']) await symlink('busybox', `${dir.path}/tree/bin/${name}`);
      const { archive } = await convertDisk(dir.path, partitionedDisk(await format()));
      const { facts } = await inspect(inMemory(archive), 'docker-image');
      expect(facts).toMatchObject({ config, created: record.created });
      const { output } = await engines.get(version)!.run(await load(version, archive));
      expect(output).toBe("hello\ncat: can't open '/.vice/container.json': No such file or directory\n");
    });
  },
);
