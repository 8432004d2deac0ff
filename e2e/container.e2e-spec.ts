import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Job } from '#libs/contracts';
import {
  describeWith,
  dockerEngine,
  projectRoot,
  root,
  startEngine,
  tempDir,
  tool,
  until,
  type TempDir,
  type TestEngine,
} from '#libs/testing';
import { ViceClient } from './client.js';
import { buildImages, compose, composeFolder, ComposeStack } from './compose-stack.js';
import { randomDisk } from './disks.js';

const run = promisify(execFile);
const SERVICES = ['gateway', 'registry', 'import-worker', 'export-worker', 'store-worker'];
const MIB = 2 ** 20;
const BUILD_MS = 1_800_000;

await describeWith([root(), dockerEngine('26'), tool('debootstrap'), tool('qemu-img')], 'containers', () => {
  let folder: TempDir;
  beforeAll(async () => {
    folder = await composeFolder();
  });
  afterAll(() => folder.remove());

  describe('docker-compose.yml', () => {
    let services: Record<
      string,
      { ports?: { host_ip?: string }[]; container_name?: string; environment?: object; command?: string[] }
    >;
    beforeAll(async () => {
      services = (JSON.parse(await compose(folder.path, ['config', '--format', 'json'])) as { services: typeof services })
        .services;
    }, BUILD_MS);

    test('is what Compose understands, with every service of the system', () => {
      expect(Object.keys(services).sort()).toEqual([...SERVICES, 'grafana', 'postgres', 'prometheus', 'rabbitmq'].sort());
    });

    test('publishes nothing beyond this machine, and nothing of what can be scaled', () => {
      const ports = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => ({ name, ...port })));
      expect(ports.map(({ name }) => name).sort()).toEqual(['gateway', 'grafana', 'rabbitmq']);
      for (const { host_ip } of ports) expect(host_ip).toBe('127.0.0.1');
      for (const { container_name } of Object.values(services)) expect(container_name).toBeUndefined();
    });

    test('holds no secret: each comes from a file that only its owner reaches, and stays when they are made again', async () => {
      const secrets = join(folder.path, 'secrets');
      const names = ['secret_key', 'database_password', 'rabbitmq_password', 'grafana_password'];
      const read = () => Promise.all(names.map((name) => readFile(join(secrets, name), 'utf8')));
      const made = await read();
      expect(new Set(made).size).toBe(names.length);
      for (const secret of made) {
        expect(secret.length).toBeGreaterThanOrEqual(44);
        expect(JSON.stringify(services)).not.toContain(secret.trim());
      }
      expect((await stat(secrets)).mode & 0o777).toBe(0o700);
      await run('scripts/make-secrets.sh', [secrets]);
      expect(await read()).toEqual(made);
    });
  });

  test('docker-compose.s3.yml gives the bucket and its key, from files, to those that hold blobs, and lets them reach it', async () => {
    const files = ['-f', 'docker-compose.yml', '-f', 'docker-compose.s3.yml'];
    const bucket = { VICE_BLOB_STORE: 's3://images?region=x' };
    const { services } = JSON.parse(await compose(folder.path, [...files, 'config', '--format', 'json'], bucket)) as {
      services: Record<string, { environment: Record<string, string>; networks: object; secrets: { source: string }[] }>;
    };
    for (const name of ['gateway', 'import-worker', 'export-worker', 'store-worker']) {
      const { environment, networks, secrets } = services[name]!;
      expect(environment).toMatchObject({ ...bucket, VICE_SECRET_KEY_FILE: '/run/secrets/secret_key' });
      expect(Object.keys(networks).sort()).toEqual(['backend', 'outside']);
      const given = ['amqp_url', 's3_access_key_id', 's3_secret_access_key', 'secret_key'];
      expect(secrets.map(({ source }) => source).sort()).toEqual(given);
      for (const part of ['ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'])
        expect(environment[`VICE_S3_${part}_FILE`]).toBe(`/run/secrets/s3_${part.toLowerCase()}`);
    }
    expect(services['registry']!.environment).not.toHaveProperty('VICE_BLOB_STORE');
  });

  describe('the stack', () => {
    let engine: TestEngine;
    let stack: ComposeStack;
    let scratch: TempDir;
    beforeAll(async () => {
      scratch = await tempDir();
      engine = await startEngine('26', [], { networks: true });
      await buildImages(engine);
      stack = await ComposeStack.start(engine, folder.path);
    }, BUILD_MS);
    afterAll(async () => {
      await stack?.[Symbol.asyncDispose]();
      await engine?.stop();
      await scratch?.remove();
    }, BUILD_MS);

    test('every service is healthy, unprivileged, and on a read-only root', async () => {
      for (const service of SERVICES) {
        const containers = await stack.containers(service);
        expect(containers).toHaveLength(service === 'import-worker' ? 2 : 1);
        for (const container of containers) {
          expect(container).toMatchObject({
            State: { Status: 'running', Health: { Status: 'healthy' } },
            Config: { User: '10001:10001', Labels: { 'org.opencontainers.image.revision': 'tested' } },
            HostConfig: { ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges:true'] },
          });
          expect(container.Config.Env.join('\n')).not.toMatch(/amqp:\/\/|postgres:\/\//);
        }
      }
    });

    test('a disk goes in, comes out as it was, and converted', async () => {
      const ada = await new ViceClient(stack.url, null, []).register();
      const raw = await randomDisk(join(scratch.path, 'disk.raw'), 9 * MIB);
      const bytes = await readFile(raw);
      const image = await ada.uploadedImage(bytes, { title: 'a disk', contenttype: 'disk-raw' });
      const download = await ada.download(image.id);
      expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true);

      const path = `/image/${image.id}/file?contenttype=disk-qcow2`;
      expect(await ada.get<Job>(path)).toMatchObject({ status: 202, body: { kind: 'store', action: 'convert' } });
      await ada.job(
        `/image/${image.id}`,
        ({ action, state }) => action === 'convert' && state === 'succeeded',
        'it is converted',
      );
      const converted = await fetch(`${stack.url}/v1${path}`, { headers: ada.authorization() });
      expect(converted.status).toBe(200);
      const qcow2 = join(scratch.path, 'disk.qcow2');
      await writeFile(qcow2, Buffer.from(await converted.arrayBuffer()));
      await run('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', raw, qcow2]);
    }, 300_000);

    test('a store worker has every tool, and says that its sandbox is the container', async () => {
      expect(await stack.askInside('http://store-worker:8080/health/ready')).toMatchObject({
        status: 'up',
        parts: { tools: { status: 'degraded', reason: expect.stringMatching(/^tools run without a sandbox: bwrap may not/) } },
      });
    });

    test('no environment of a user can be inside of it', async () => {
      const ada = await new ViceClient(stack.url, null, []).register();
      for (const location of ['tcp://postgres:5432', 'tcp://rabbitmq:15672', 'tcp://gateway:8080']) {
        const { id } = await ada.dockerEnvironment(location);
        expect(await ada.post(`/environment/${id}/check`)).toMatchObject({
          body: { ok: false, message: expect.stringMatching(/its operator has closed that address/) },
        });
      }
    });

    test('an environment of a user can be on its machine', async () => {
      const prefix = /^VICE_NETWORK_PREFIX=(.*)$/m.exec(await readFile(join(folder.path, '.env'), 'utf8'))![1];
      const ada = await new ViceClient(stack.url, null, []).register();
      const { id } = await ada.dockerEnvironment(`tcp://${prefix}.65.1:9`);
      expect(await ada.post(`/environment/${id}/check`)).toMatchObject({
        body: { ok: false, message: expect.stringMatching(/refused|does not answer/) },
      });
    }, 60_000);

    test('RabbitMQ knows only the user of the secrets, and goes by our settings', async () => {
      const password = (await readFile(join(folder.path, 'secrets/rabbitmq_password'), 'utf8')).trim();
      const ask = (path: string, login: string) =>
        fetch(`${stack.managementUrl}/api/${path}`, {
          headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
        });
      expect((await ask('overview', 'guest:guest')).status).toBe(401);
      const queues = (await (await ask('queues/%2F', `vice:${password}`)).json()) as { name: string; type: string }[];
      for (const kind of ['import', 'export', 'store', 'convert'])
        expect(queues).toContainEqual(expect.objectContaining({ name: `vice.${kind}`, type: 'quorum' }));
      const settings = await stack.compose('exec', '-T', 'rabbitmq', 'rabbitmqctl', '-q', 'environment');
      expect(settings).toMatch(/\{consumer_timeout,2147483647\}/);
    });

    test('Prometheus finds every replica and every queue', async () => {
      interface Target {
        labels: { job: string };
        health: string;
      }
      const jobs = async () => {
        const { data } = await stack.askInside<{ data: { activeTargets: Target[] } }>('http://prometheus:9090/api/v1/targets');
        return data.activeTargets.map(({ labels, health }) => `${labels.job} ${health}`).sort();
      };
      const scraped = ['rabbitmq up', 'rabbitmq-detailed up', 'prometheus up'];
      let found: string[] = [];
      const isComplete = async () => {
        found = await jobs();
        return (
          SERVICES.every((name) => found.includes(`vice-${name} up`)) &&
          !found.some((job) => job.endsWith(' down')) &&
          scraped.every((job) => found.includes(job))
        );
      };
      await until(isComplete, { what: 'every service is scraped', timeout: 120_000, interval: 500 });
      expect(found.filter((job) => job.startsWith('vice-import-worker '))).toHaveLength(2);
      const query = encodeURIComponent('rabbitmq_detailed_queue_consumers{queue="vice.import"}');
      const consumers = async () => {
        const { data } = await stack.askInside<{ data: { result: { value: [number, string] }[] } }>(
          `http://prometheus:9090/api/v1/query?query=${query}`,
        );
        return data.result.map(({ value }) => value[1]).join();
      };
      const both = async () => (await consumers()) === '2';
      await until(both, { what: 'RabbitMQ tells of both consumers', timeout: 60_000, interval: 500 });
    }, 180_000);

    test('the store worker has a sandbox where it may make namespaces', async () => {
      await stack.compose(
        ...[
          '-f',
          'docker-compose.yml',
          '-f',
          'docker-compose.sandbox.yml',
          'up',
          '--detach',
          '--no-build',
          '--no-deps',
          '--wait',
        ],
        'store-worker',
      );
      const ready = await stack.askInside<{ parts: object }>('http://store-worker:8080/health/ready');
      expect(ready.parts).toMatchObject({ tools: { status: 'up' } });
      const [container] = await stack.containers('store-worker');
      expect(container).toMatchObject({
        HostConfig: { ReadonlyRootfs: true, CapDrop: ['ALL'] },
        Config: { User: '10001:10001' },
      });
      expect(container?.HostConfig.SecurityOpt).toContain('no-new-privileges:true');
    }, 180_000);

    test('the secret key is changed from within the registry’s container', async () => {
      const said = await stack.compose('exec', '-T', 'registry', 'node', 'dist/apps/standalone/rotate-key.js');
      expect(said).toMatch(/^the database belongs to the secret key \w+ already: nothing was changed$/m);
    }, 60_000);

    test('a backup is made and restored by the commands of docs/operations.md', async () => {
      const { path } = scratch;
      await run('mkdir', ['-p', join(path, 'backup/blobs'), join(path, 'backup-of-secrets')]);
      const ada = await new ViceClient(stack.url, null, []).register();
      const content = randomBytes(3 * MIB);
      const kept = await ada.uploadedImage(content, { title: 'kept', contenttype: 'disk-raw' });
      await stack.shell(await commandsIn('Backup', path));
      await ada.delete(`/image/${kept.id}`);
      const later = await ada.uploadedImage(randomBytes(MIB), { title: 'later', contenttype: 'disk-raw' });

      await stack.shell(await commandsIn('Restore', path));
      const back = () => ada.get(`/image/${kept.id}`).then(({ status }) => status === 200);
      await until(back, { what: 'the API knows the image again', timeout: 120_000 });
      const download = await ada.download(kept.id);
      expect(Buffer.from(await download.arrayBuffer()).equals(content)).toBe(true);
      expect(await ada.get(`/image/${later.id}`)).toMatchObject({ status: 404 });
      const healthy = async () =>
        (await Promise.all(SERVICES.map((service) => stack.containers(service))))
          .flat()
          .every(({ State }) => State.Health?.Status === 'healthy');
      await until(healthy, { what: 'every service is healthy again', timeout: 120_000, interval: 500 });
    }, 400_000);

    test('SIGTERM ends every service in good order', async () => {
      await stack.compose('stop', ...SERVICES);
      for (const service of SERVICES) {
        for (const { State } of await stack.containers(service)) expect(State).toMatchObject({ Status: 'exited', ExitCode: 0 });
      }
    }, 180_000);
  });
});

/** The commands in a section of docs/operations.md, with its `/backup` in another folder. */
async function commandsIn(section: string, folder: string): Promise<string> {
  const text = await readFile(join(projectRoot, 'docs/operations.md'), 'utf8');
  const [, commands] = new RegExp(`^## ${section}$[^]*?^\`\`\`sh\n([^]*?)^\`\`\`$`, 'm').exec(text)!;
  return commands!.replaceAll('/backup', join(folder, 'backup'));
}
