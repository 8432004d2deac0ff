import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  bootDisk,
  describeWith,
  dockerEngine,
  projectRoot,
  startEngine,
  tempDir,
  tool,
  virtualMachine,
  type TempDir,
  type TestEngine,
} from '#libs/testing';
import { buildDockerArchive, buildTar } from '#libs/testing/images';
import { NEEDS } from '../needs.js';
import { built, saved } from './engine-images.js';

const run = promisify(execFile);
const NOBODY = 65534;

const DOCKERFILE = `FROM base:1
COPY report /report
RUN busybox mkdir -p /etc && echo 'web:x:1001:1002::/home/web:/bin/sh' > /etc/passwd && echo 'extra:x:77:web' > /etc/group
RUN busybox cp /bin/busybox /suid && busybox chmod 4755 /suid && echo s > /owned && busybox chown 1001:1002 /owned && busybox chmod 600 /owned
RUN echo s > /withheld && busybox chmod 0 /withheld
RUN echo gone > /gone
RUN busybox rm /gone
ENV GREETING="it's \\"here\\" $"
ENV HOME=/elsewhere
WORKDIR /work/here
USER web
ENTRYPOINT ["/bin/sh", "/report"]
CMD ["one argument"]
`;
const REPORT = `
echo "arguments: $# $1"; echo "greeting: $GREETING"; echo "home: $HOME"; echo "folder: $PWD"; echo "host: $HOSTNAME"
echo "user: $(busybox id)"; echo "files: $(busybox stat -c '%n %a %u:%g' /suid /owned /withheld | busybox tr '\\n' ' ')"
echo "gone: $(ls /gone 2>&1)"
echo "name server: $(cat /etc/resolv.conf)"; echo "address: $(busybox ip -4 -o addr show dev eth0)"
echo "gateway: $(busybox ip route)"
echo "to a device" > /dev/stdout; echo "first process: $(busybox tr '\\0' ' ' < /proc/1/cmdline)"
(busybox sleep 0.1 &)
busybox sleep 0.5; echo "zombies: $(busybox ps -o stat | busybox grep -c Z)"
exit 7
`;

const installed = () => ({
  what: 'what scripts/install-tools.sh installs',
  find: async () => {
    for (const file of Object.values(NEEDS.files)) if (!existsSync(file)) throw new Error(`${file} is not there`);
    for (const program of NEEDS.programs) await tool(program).find();
  },
});

await describeWith([installed(), virtualMachine(), dockerEngine('20')], 'the disk made of a container image', () => {
  let place: TempDir;
  let engine: TestEngine;
  const convert = async (name: string, archive: Buffer, uid = 0) => {
    const folder = join(place.path, name);
    const file = join(place.path, `${name}.tar`);
    await mkdir(folder, { mode: 0o700 });
    await chown(folder, uid, uid);
    await writeFile(file, archive, { mode: 0o644 });
    const script = join(projectRoot, 'dist/libs/testing/container-to-disk.process.js');
    const env = { PATH: process.env['PATH'] };
    const { stdout } = await run(process.execPath, [script, file, folder, String(uid)], { env });
    return JSON.parse(stdout) as { file: string; uid: number; arguments: string[] };
  };

  beforeAll(async () => {
    place = await tempDir();
    await chmod(place.path, 0o755);
    engine = await startEngine('20');
    await built(engine, 'report:1', DOCKERFILE, [{ name: 'report', content: REPORT }]);
  }, 180_000);
  afterAll(async () => {
    await engine.stop();
    await place.remove();
  }, 60_000);

  describe.each([
    ['root', 0],
    ['nobody in particular', NOBODY],
  ])('by %s', (who, uid) => {
    let disk: string;
    beforeAll(async () => {
      const made = await convert(who.replaceAll(' ', '-'), await saved(engine, 'report:1'), uid);
      expect(made.uid).toBe(uid);
      disk = made.file;
    }, 120_000);

    test.each([
      ['bios', uid === 0 ? 'virtio' : 'scsi'],
      ['uefi', uid === 0 ? 'legacy' : 'sata'],
    ] as const)(
      'boots with %s on %s hardware to what the container prints, as a container would, and powers off',
      async (firmware, hardware) => {
        const shown = await bootDisk(disk, { firmware, hardware });
        const line = (name: string) => new RegExp(`^.*\\b${name}: (.*)$`, 'm').exec(shown)?.[1];
        expect(shown).toContain('to a device\n');
        expect({
          arguments: line('arguments'),
          greeting: line('greeting'),
          home: line('home'),
          folder: line('folder'),
          host: line('host'),
          user: line('user'),
          files: line('files'),
          gone: line('gone'),
          zombies: line('zombies'),
          firstProcess: line('first process'),
        }).toEqual({
          arguments: '1 one argument',
          greeting: `it's "here" $`,
          home: '/elsewhere',
          folder: '/work/here',
          host: 'container',
          user: 'uid=1001(web) gid=1002 groups=77(extra)',
          files: '/suid 4755 0:0 /owned 600 1001:1002 /withheld 0 0:0 ',
          gone: expect.stringContaining('No such file'),
          zombies: '0',
          firstProcess: '/.vice/bin/busybox sh /.vice/init ',
        });
        expect(line('name server')).toBe('nameserver 10.0.2.3');
        expect(line('address')).toContain('inet 10.0.2.15/24');
        expect(line('gateway')).toContain('default via 10.0.2.2');
        expect(shown).toContain('vice: the container has ended with status 7');
      },
      320_000,
    );

    test('leaves nothing in the folder but itself and small files', async () => {
      const left = await readdir(join(disk, '..'), { recursive: true });
      expect(left).toContain('disk.qcow2');
      expect(left).not.toContain('disk.raw');
      expect(left.filter((name) => name.startsWith('unpacked/root'))).toEqual([]);
    });
  });

  test('boots an image that has nothing but one static program', async () => {
    const busybox = await run('cat', ['/bin/busybox'], { encoding: 'buffer', maxBuffer: 2 ** 23 });
    const layers = [buildTar([{ name: 'busybox', content: busybox.stdout, mode: 0o755 }])];
    const archive = buildDockerArchive({
      layers,
      gzip: true,
      config: { config: { Entrypoint: ['/busybox', 'echo'], Cmd: ['quite alone'], User: '4711:4712' } },
    });
    const shown = await bootDisk((await convert('alone', archive)).file);
    expect(shown).toMatch(/quite alone\nvice: the container has ended with status 0\n/);
  }, 320_000);

  test.each([
    ['for Windows', { os: 'windows' }, 'only container images for linux/amd64'],
    ['for another processor', { architecture: 'arm64' }, 'only container images for linux/amd64'],
    ['that starts nothing', { config: {} }, 'neither an Entrypoint nor a Cmd'],
  ])('is not to be had of an image %s', async (name, config, message) => {
    await expect(convert(name.replaceAll(' ', '-'), buildDockerArchive({ config }))).rejects.toThrow(message);
  });
});
