import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { blobStore, type BlobStoreConfig } from './blob-store.config.js';
import { EnvironmentReader } from './environment-reader.js';
import { otherSecretKeys, secretKey } from './secret-keys.config.js';
import { tracesConfig, type TracesConfig } from './traces.config.js';

export const APPS = ['gateway', 'registry', 'import-worker', 'export-worker', 'store-worker', 'standalone'] as const;
export type AppName = (typeof APPS)[number];

/** The Nest token of the checked configuration. */
export const VICE_CONFIG = Symbol('VICE_CONFIG');

export interface ViceConfig {
  readonly app: AppName;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Absolute path. */
  readonly dataDir: string;
  /** null: embedded PostgreSQL. */
  readonly databaseUrl: string | null;
  /** null: in process. */
  readonly amqpUrl: string | null;
  /** Before the name of everything on the broker. */
  readonly queuePrefix: string;
  readonly blobStore: BlobStoreConfig;
  /** 32 bytes, base64; null: to be made and kept in the data directory (standalone only). */
  readonly secretKey: string | null;
  /** Keys in the same form which open as well, while the secret key is changed. */
  readonly otherSecretKeys: readonly string[];
  /** Patterns of socket paths that a Docker environment may name. */
  readonly unixSockets: readonly string[];
  /** CIDRs that no environment may be at. */
  readonly egressDeny: readonly string[];
  readonly jobConcurrency: number;
  readonly leaseMs: number;
  readonly shutdownMs: number;
  readonly maxImageBytes: number;
  /** What was derived from other blobs may take so many bytes in all; null: any number. */
  readonly variantQuotaBytes: number | null;
  readonly collectIntervalMs: number;
  /** The account that is an administrator, in NFC; null: none is by this setting. */
  readonly adminUsername: string | null;
  /** False: the registry waits until a job of its own has brought the database up to date. */
  readonly migrateAtStart: boolean;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** null: no traces. */
  readonly traces: TracesConfig | null;
}

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const TiB = 1024 ** 4;

/** Link-local addresses, where clouds also answer with their metadata, and the metadata addresses that lie elsewhere. */
const EGRESS_DENY = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128', '100.100.100.200/32'];

/** The configuration of one app from its environment variables. Raises CONFIGURATION that lists every fault. */
export function loadConfig(app: AppName, variables: Readonly<Record<string, string | undefined>> = process.env): ViceConfig {
  const read = new EnvironmentReader(variables);
  const standalone = app === 'standalone';
  const dataDir = resolve(read.text('VICE_DATA_DIR') ?? 'data');
  const config: ViceConfig = {
    app,
    host: read.text('HOST') ?? (standalone ? '127.0.0.1' : '0.0.0.0'),
    port: read.wholeNumber('PORT', 8080, { min: 0, max: 65_535 }),
    dataDir,
    databaseUrl: read.url('DATABASE_URL', ['postgres:', 'postgresql:']),
    amqpUrl: read.url('AMQP_URL', ['amqp:', 'amqps:']),
    queuePrefix: read.text('VICE_QUEUE_PREFIX') ?? 'vice',
    blobStore: blobStore(read, dataDir, app !== 'registry'),
    secretKey: secretKey(read),
    otherSecretKeys: otherSecretKeys(read),
    unixSockets: read.list('VICE_UNIX_SOCKETS', standalone ? ['*'] : []),
    egressDeny: egressDeny(read),
    jobConcurrency: read.wholeNumber('VICE_JOB_CONCURRENCY', 2, { min: 1, max: 256 }),
    leaseMs: read.wholeNumber('VICE_LEASE_SECONDS', 60, { min: 1, max: 3600 }) * 1000,
    shutdownMs: read.wholeNumber('VICE_SHUTDOWN_SECONDS', 25, { min: 0, max: 3600 }) * 1000,
    maxImageBytes: read.wholeNumber('VICE_MAX_IMAGE_BYTES', TiB, { min: 1, max: Number.MAX_SAFE_INTEGER }),
    variantQuotaBytes: variantQuota(read),
    collectIntervalMs: read.wholeNumber('VICE_COLLECT_SECONDS', 300, { min: 1, max: 86_400 }) * 1000,
    adminUsername: adminUsername(read),
    migrateAtStart: read.oneOf('VICE_MIGRATE_AT_START', ['true', 'false'], 'true') === 'true',
    logLevel: read.oneOf('VICE_LOG_LEVEL', LOG_LEVELS, 'info'),
    traces: tracesConfig(read, app),
  };
  if (!standalone) requireWhenAlone(read, config);
  else if (!config.migrateAtStart)
    read.fault('VICE_MIGRATE_AT_START must be true where all services are one process: nobody else could migrate');
  read.finish();
  return config;
}

function requireWhenAlone(read: EnvironmentReader, { app }: ViceConfig): void {
  read.require('AMQP_URL', `the ${app}, started alone, meets the others at RabbitMQ`);
  if (app === 'registry') read.require('DATABASE_URL', 'the registry, started alone, needs a PostgreSQL');
  read.require('VICE_SECRET_KEY', '32 bytes in base64, the same for all services (openssl rand -base64 32)');
}

/** What no account can be called would leave the service without the administrator that somebody thinks it has. */
function adminUsername(read: EnvironmentReader): string | null {
  const name = read.text('VICE_ADMIN_USERNAME');
  if (name === null) return null;
  if (name.length <= 128 && /^[^:\p{Cc}\p{Cs}]+$/u.test(name)) return name.normalize('NFC');
  read.fault('VICE_ADMIN_USERNAME must be a username: 1 to 128 characters without colons and control characters');
  return null;
}

function variantQuota(read: EnvironmentReader): number | null {
  const name = 'VICE_VARIANT_QUOTA_BYTES';
  return read.text(name) === null ? null : read.wholeNumber(name, 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
}

function egressDeny(read: EnvironmentReader): string[] {
  const cidrs = read.list('VICE_EGRESS_DENY', EGRESS_DENY);
  for (const cidr of cidrs) {
    const [address = '', bits, ...more] = cidr.split('/');
    const width = isIP(address) === 4 ? 32 : 128;
    const fits = isIP(address) !== 0 && /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= width && more.length === 0;
    if (!fits) read.fault(`VICE_EGRESS_DENY must be a comma-separated list of CIDRs such as 10.0.0.0/8, and "${cidr}" is none`);
  }
  return cidrs;
}
