import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import {
  createTestDatabase,
  describeWith,
  freePort,
  postgres,
  rabbitmq,
  startProcess,
  tempDir,
  type App,
  type Requirement,
  type TestProcess,
} from '#libs/testing';
import { ViceClient } from './client.js';
import { tapBroker, type TappedBroker } from './tapped-broker.js';

/** `standalone`: one process with embedded PostgreSQL and the broker inside; `separate`: five over RabbitMQ and PostgreSQL. */
export const WAYS = ['standalone', 'separate'] as const;
export type Way = (typeof WAYS)[number];

export const SERVICES = ['registry', 'gateway', 'import-worker', 'export-worker', 'store-worker'] as const;
export type Service = (typeof SERVICES)[number];

/** The whole system, started as its users start it. */
export interface Vice extends AsyncDisposable {
  way: Way;
  /** Of the gateway: `http://127.0.0.1:…` */
  url: string;
  /** The folder that is the blob store. */
  blobs: string;
  dataDir: string;
  /** Where its tables are; only in the separate way. */
  databaseUrl: string | null;
  /** What stands between the services and RabbitMQ; only in the separate way. */
  broker: TappedBroker | null;
  /** Environment variables of its processes. */
  env: Record<string, string>;
  /** All that clients were answered: to look for what must not be there. */
  heard: string[];
  /** All that its processes have printed, also those that ended. */
  logs(): string;
  anonymous(): ViceClient;
  /** A client with a login of its own. */
  newUser(name?: string): Promise<ViceClient>;
  /** The process in which this service runs. */
  process(service: Service): TestProcess;
  /** One more worker of a kind; only in the separate way. */
  addWorker(service: Service): Promise<TestProcess>;
  /** `kill -9` of the process in which this service runs, and a start in its place. */
  crash(service: Service): Promise<void>;
  /** What processes get that are started from now on, besides or instead of what they got before. */
  configure(env: Record<string, string>): void;
  /** SIGTERM to all processes; returns their exit codes. */
  terminate(): Promise<(number | null)[]>;
  /** Starts again what `terminate` or a signal of the test ended, on the same data. */
  restart(): Promise<void>;
}

export interface ViceOptions {
  /** Further environment variables for all processes; they count before those that this sets. */
  env?: Record<string, string>;
  /** Another RabbitMQ than the shared one. */
  amqpUrl?: string;
  /** An empty database elsewhere than on the shared PostgreSQL. */
  databaseUrl?: string;
}

/** Much passes through several processes here, on a machine that may be busy. */
const TEST_MS = 60_000;

/** A suite that runs on the system in each way, where what it needs is there. */
export async function inBothWays(
  name: string,
  requirements: readonly Requirement<unknown>[],
  body: (way: Way) => void,
): Promise<void> {
  jest.setTimeout(TEST_MS);
  for (const way of WAYS) {
    const services = way === 'separate' ? [postgres(), rabbitmq()] : [];
    await describeWith([...requirements, ...services], `${name}, ${way}`, () => body(way));
  }
}

export async function startVice(way: Way, options: ViceOptions = {}): Promise<Vice> {
  const parts = new Parts();
  try {
    return await startParts(way, parts, options);
  } catch (error) {
    await parts[Symbol.asyncDispose]();
    throw error;
  }
}

async function startParts(way: Way, parts: Parts, { env = {}, ...servers }: ViceOptions): Promise<Vice> {
  const folder = parts.keep(await tempDir());
  const shared = {
    VICE_DATA_DIR: folder.path,
    VICE_LEASE_SECONDS: '3',
    VICE_COLLECT_SECONDS: '2',
    VICE_SHUTDOWN_SECONDS: '5',
    VICE_UNIX_SOCKETS: '*',
    ...env,
  };
  const separate = way === 'separate' ? await separateServices(parts, servers) : null;
  const variables = { ...shared, ...separate?.env, ...env };
  const processes = parts.keep(new Processes(way, variables));
  await processes.startAll();
  const heard: string[] = [];
  const url = processes.of('gateway').url;
  const anonymous = () => new ViceClient(url, null, heard);
  return {
    way,
    url,
    blobs: env['VICE_BLOB_STORE']?.replace(/^file:/, '') ?? join(folder.path, 'blobs'),
    dataDir: folder.path,
    databaseUrl: separate?.databaseUrl ?? null,
    broker: separate?.broker ?? null,
    env: variables,
    heard,
    logs: () => processes.logs(),
    anonymous,
    newUser: (name) => anonymous().register(name),
    process: (service) => processes.of(service),
    addWorker: (service) => processes.add(service),
    async crash(service) {
      await processes.of(service).kill('SIGKILL');
      await processes.startAll();
    },
    configure: (changed) => processes.configure(changed),
    terminate: () => processes.terminate(),
    restart: () => processes.startAll(),
    [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose](),
  };
}

async function separateServices(parts: Parts, { amqpUrl, databaseUrl = '' }: ViceOptions) {
  const url = databaseUrl || parts.keep(await createTestDatabase()).url;
  const broker = parts.keep(await tapBroker(amqpUrl));
  const env = {
    AMQP_URL: broker.url,
    VICE_QUEUE_PREFIX: broker.queuePrefix,
    VICE_SECRET_KEY: randomBytes(32).toString('base64'),
  };
  return { env: { ...env, DATABASE_URL: url }, databaseUrl: url, broker };
}

/** What was started for one system; ends in the opposite order. */
class Parts implements AsyncDisposable {
  private readonly kept: AsyncDisposable[] = [];

  keep<T extends AsyncDisposable>(part: T): T {
    this.kept.push(part);
    return part;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.kept.pop(); part; part = this.kept.pop()) {
      await Promise.resolve(part[Symbol.asyncDispose]()).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** The processes of one system. Each service keeps its port when it is started again. */
class Processes implements AsyncDisposable {
  private readonly running = new Map<App, TestProcess>();
  private readonly ports = new Map<App, number>();
  private readonly all: TestProcess[] = [];
  /** Ends that no test asked for. */
  private readonly ended: string[] = [];

  constructor(
    private readonly way: Way,
    private readonly env: Record<string, string>,
  ) {}

  of(service: Service): TestProcess {
    const process = this.running.get(this.appOf(service));
    if (!process) throw new Error(`${service} does not run`);
    return process;
  }

  configure(changed: Record<string, string>): void {
    Object.assign(this.env, changed);
  }

  logs(): string {
    return this.all.map((process) => `--- ${process.app}\n${process.logs()}`).join('\n');
  }

  /** Starts what does not run. Raises only when every start has come to an end, so that none is left behind. */
  async startAll(): Promise<void> {
    const missing = [...new Set(SERVICES.map((service) => this.appOf(service)))].filter((app) => !this.running.has(app));
    const starts = missing.map(async (app) => this.running.set(app, await this.start(app, await this.portOf(app))));
    const failed = (await Promise.allSettled(starts)).find((start) => start.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async add(service: Service): Promise<TestProcess> {
    return this.start(service);
  }

  async terminate(): Promise<(number | null)[]> {
    const alive = [...this.running.values()];
    return Promise.all(alive.map(async (process) => (await process.kill('SIGTERM')).code));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((process) => process.stop()));
    if (this.ended.length > 0) throw new Error(this.ended.join('\n\n'));
  }

  private async start(app: App, port?: number): Promise<TestProcess> {
    const process = await startProcess(app, { env: this.env, timeout: 180_000, ...(port !== undefined && { port }) });
    this.all.push(process);
    void process.exited.then(({ code }) => {
      if (this.running.get(app) === process) this.running.delete(app);
      if (code !== null && code !== 0) this.ended.push(`${app} ended by itself with ${code}:\n${process.logs().slice(-4000)}`);
    });
    return process;
  }

  private async portOf(app: App): Promise<number> {
    const port = this.ports.get(app) ?? (await freePort());
    this.ports.set(app, port);
    return port;
  }

  private appOf(service: Service): App {
    return this.way === 'standalone' ? 'standalone' : service;
  }
}
