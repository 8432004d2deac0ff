import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { type describe as Describe, type test as Test } from '@jest/globals';
import { connect } from 'amqplib';
import { Client } from 'pg';
import { brokerUrl, type BrokerVersion } from './brokers.js';
import { postgresUrl } from './database.js';
import { engineOfOthers, type EngineVersion } from './engines.js';
import { whyNoOwnServices } from './scripts.js';

/** Something real that a suite cannot do without. `find` returns how to reach it, or throws an error that says why it is not there. */
export interface Requirement<T> {
  what: string;
  find(): Promise<T>;
}

type Found<R> = { -readonly [K in keyof R]: R[K] extends Requirement<infer T> ? T : never };

/**
 * A `describe` for a suite that needs something real: `await describeWith([postgres(), rabbitmq()], 'relay', (databaseUrl, amqpUrl) => …)`
 * at the top level of a spec. Where something is missing the suite is skipped with the reason in its name; on CI (`CI=true`) it fails instead.
 */
export async function describeWith<const R extends readonly Requirement<unknown>[]>(
  requirements: R,
  name: string,
  body: (...found: Found<R>) => void,
): Promise<void> {
  const { describe, test } = globalThis as unknown as { describe: typeof Describe; test: typeof Test };
  const outcomes = await Promise.allSettled(requirements.map((requirement) => requirement.find()));
  const missing = outcomes.flatMap((outcome, i) =>
    outcome.status === 'rejected' ? [`${requirements[i]?.what} is missing: ${messageOf(outcome.reason)}`] : [],
  );
  if (missing.length === 0) {
    const found = outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value);
    describe(name, () => body(...(found as Found<R>)));
    return;
  }
  const reason = missing.join('; ');
  if (process.env['CI'] === 'true') {
    describe(name, () => {
      test('has what it needs', () => {
        throw new Error(`${reason} (on CI nothing may be missing: scripts/install-peers.sh installs it)`);
      });
    });
  } else {
    describe(name, () => {
      test.skip(`skipped: ${reason}`, () => undefined);
    });
  }
}

/** PostgreSQL, by its URL: `TEST_DATABASE_URL`, or 127.0.0.1:5432. */
export function postgres(): Requirement<string> {
  return {
    what: 'PostgreSQL',
    async find() {
      const client = new Client({ connectionString: postgresUrl(), connectionTimeoutMillis: 3_000 });
      await client.connect();
      await client.end();
      return postgresUrl();
    },
  };
}

/** That `startPostgres()` works here. */
export function postgresOwn(): Requirement<void> {
  return {
    what: 'a PostgreSQL of its own',
    async find() {
      const reason = whyNoOwnServices();
      if (reason !== null) throw new Error(reason);
      needFiles('/usr/lib/postgresql', '/usr/bin/psql');
    },
  };
}

/** RabbitMQ, by its URL: `TEST_AMQP_URL`, or 127.0.0.1:5672. Others use it too: take queue names of your own. */
export function rabbitmq(): Requirement<string> {
  return {
    what: 'RabbitMQ',
    async find() {
      const connection = await connect(brokerUrl(), { timeout: 3_000 });
      await connection.close();
      return brokerUrl();
    },
  };
}

/** That `startBroker(version)` works here. */
export function rabbitmqOwn(version: BrokerVersion): Requirement<BrokerVersion> {
  return {
    what: `a RabbitMQ ${version} of its own`,
    async find() {
      const reason = whyNoOwnServices();
      if (reason !== null) throw new Error(reason);
      if (version === '3' && !existsSync('/usr/lib/rabbitmq/bin/rabbitmq-server'))
        throw new Error('rabbitmq-server is not installed');
      if (version === '4' && !existsSync('/usr/sbin/debootstrap')) throw new Error('debootstrap is not installed');
      return version;
    },
  };
}

/** That `startEngine(version)` works here: `TEST_DOCKER_<VERSION>` names a socket, or the scripts can start an engine. */
export function dockerEngine(version: EngineVersion): Requirement<EngineVersion> {
  return {
    what: `a Docker Engine (${version})`,
    async find() {
      if ((await engineOfOthers(version)) === null) {
        const reason = whyNoOwnServices();
        if (reason !== null) throw new Error(`${reason}, or TEST_DOCKER_${version.toUpperCase()}=/path/of/docker.sock`);
      }
      return version;
    },
  };
}

/** That `startCloud()` works here. */
export function openstack(): Requirement<void> {
  return {
    what: 'an OpenStack',
    async find() {
      const reason = whyNoOwnServices();
      if (reason !== null) throw new Error(reason);
      needFiles(
        '/usr/bin/keystone-manage',
        '/usr/lib/python3/dist-packages/glance',
        '/usr/sbin/mariadbd',
        '/usr/bin/uwsgi_python3',
      );
    },
  };
}

/** That `addNova()` works here, too. */
export function nova(): Requirement<void> {
  return {
    what: 'an OpenStack with Nova',
    async find() {
      await openstack().find();
      needFiles(
        ...['nova', 'placement', 'libvirt.py'].map((module) => `/usr/lib/python3/dist-packages/${module}`),
        ...['/usr/sbin/libvirtd', '/usr/bin/qemu-system-x86_64', '/usr/lib/rabbitmq/bin/rabbitmq-server'],
      );
    },
  };
}

/** That `promtool` and `startPrometheus()` work here. */
export function prometheus(): Requirement<void> {
  return {
    what: 'Prometheus',
    async find() {
      const reason = whyNoOwnServices();
      if (reason !== null) throw new Error(reason);
    },
  };
}

/** A Swift with its S3 API, which scripts/swift.sh starts. */
export function objectStore(): Requirement<void> {
  return {
    what: 'an S3 API',
    async find() {
      if (!existsSync('/etc/debian_version')) throw new Error('it needs Debian');
      const cache = process.env['VICE_PEERS_CACHE'] ?? '/var/cache/vice-peers';
      needFiles(`${cache}/bookworm/usr/lib/python3/dist-packages/swift`, `${cache}/bookworm/usr/bin/memcached`);
    },
  };
}

/** The rights of root: to own files as anybody, and to make devices. */
export function root(): Requirement<void> {
  return {
    what: 'root',
    async find() {
      if (process.getuid?.() !== 0) throw new Error('the tests run as another user');
    },
  };
}

/** A program on the PATH, by name: `tool('qemu-img')`. */
export function tool(name: string): Requirement<string> {
  return {
    what: name,
    async find() {
      try {
        const { stdout } = await promisify(execFile)('sh', ['-c', 'command -v "$0"', name]);
        return stdout.trim();
      } catch {
        throw new Error('it is not on the PATH');
      }
    },
  };
}

function needFiles(...paths: string[]): void {
  const missing = paths.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`${missing.join(', ')} not installed`);
}

/** Not by instanceof: jest gives tests an Error of their own, which Node's errors are none of. */
function messageOf(reason: unknown): string {
  const { message, errors } = reason as { message?: string; errors?: unknown[] };
  return errors?.map(messageOf).join(', ') || message || String(reason);
}
