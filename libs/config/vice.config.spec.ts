import { describe, expect, it } from '@jest/globals';
import { loadMigrateConfig } from './migrate.config.js';
import { loadRotateConfig } from './rotate.config.js';
import { loadConfig } from './vice.config.js';

const key = Buffer.alloc(32, 7).toString('base64');
const alone = { AMQP_URL: 'amqp://broker', DATABASE_URL: 'postgres://db/vice', VICE_SECRET_KEY: key };

describe('configuration', () => {
  it('needs nothing when standalone', () => {
    expect(loadConfig('standalone', {})).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      databaseUrl: null,
      amqpUrl: null,
      unixSockets: ['*'],
      leaseMs: 60_000,
      shutdownMs: 25_000,
      jobConcurrency: 2,
      maxImageBytes: 1024 ** 4,
      variantQuotaBytes: null,
      adminUsername: null,
      migrateAtStart: true,
    });
  });

  it('is open to the network, and closed to local sockets, as a service of its own', () => {
    expect(loadConfig('gateway', alone)).toMatchObject({ host: '0.0.0.0', unixSockets: [] });
  });

  it('lists every fault at once', () => {
    const faulty = {
      PORT: '80a',
      DATABASE_URL: 'mysql://secret@x',
      VICE_SECRET_KEY: 'short',
      VICE_OTHER_SECRET_KEYS: `${key},short`,
      VICE_LEASE_SECONDS: '0',
      VICE_EGRESS_DENY: '10.0.0.0/33',
      VICE_BLOB_STORE: 'ftp://x',
      VICE_VARIANT_QUOTA_BYTES: '-1',
      VICE_LOG_LEVEL: 'loud',
      VICE_ADMIN_USERNAME: 'a:b',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'Bearer secret@x',
      OTEL_TRACES_SAMPLER: 'some',
      OTEL_TRACES_SAMPLER_ARG: '2',
    };
    const start = () => loadConfig('registry', faulty);
    for (const name of [...Object.keys(faulty), 'AMQP_URL']) expect(start).toThrow(new RegExp(`- ${name} `));
    expect(start).not.toThrow(/secret@x/);
  });

  it('sends no traces unless it is told where to, and then as OpenTelemetry says', () => {
    expect(loadConfig('gateway', alone).traces).toBeNull();
    const variables = { ...alone, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(loadConfig('gateway', variables).traces).toEqual({
      ...{ endpoint: 'http://collector:4318', headers: {}, serviceName: 'vice-gateway' },
      ...{ sampler: 'parentbased_always_on', ratio: 1 },
    });
    const all = {
      ...{ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, tenant=7', OTEL_SERVICE_NAME: 'mine' },
      ...{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' },
    };
    expect(loadConfig('gateway', { ...variables, ...all }).traces).toMatchObject({
      ...{ headers: { authorization: 'Bearer x', tenant: '7' }, serviceName: 'mine', sampler: 'traceidratio', ratio: 0.25 },
    });
    expect(loadConfig('gateway', { ...variables, OTEL_SDK_DISABLED: 'true' }).traces).toBeNull();
  });

  it.each([
    ['gateway', 'AMQP_URL'],
    ['registry', 'DATABASE_URL'],
    ['import-worker', 'VICE_SECRET_KEY'],
  ] as const)('the %s does not start alone without %s', (app, missing) => {
    expect(() => loadConfig(app, { ...alone, [missing]: '' })).toThrow(new RegExp(`${missing} is missing`));
  });

  it('has only a registry of its own wait for a job that migrates', () => {
    expect(loadConfig('registry', { ...alone, VICE_MIGRATE_AT_START: 'false' }).migrateAtStart).toBe(false);
    expect(() => loadConfig('standalone', { VICE_MIGRATE_AT_START: 'false' })).toThrow(/VICE_MIGRATE_AT_START must be true/);
    expect(() => loadConfig('registry', { ...alone, VICE_MIGRATE_AT_START: 'no' })).toThrow(
      /VICE_MIGRATE_AT_START must be one of/,
    );
  });

  it('of what only migrates is the database, and no more', () => {
    expect(loadMigrateConfig({ DATABASE_URL: 'postgres://db/vice' })).toEqual({
      databaseUrl: 'postgres://db/vice',
      logLevel: 'info',
    });
    expect(() => loadMigrateConfig({})).toThrow(/DATABASE_URL is missing/);
    expect(() => loadMigrateConfig({ DATABASE_URL: 'mysql://secret@x' })).toThrow(/DATABASE_URL must be a URL/);
  });

  it('takes other secret keys, any number, for what they sealed', () => {
    const other = Buffer.alloc(32, 9).toString('base64');
    expect(loadConfig('registry', alone).otherSecretKeys).toEqual([]);
    expect(loadConfig('registry', { ...alone, VICE_OTHER_SECRET_KEYS: `${other}, ${key}` }).otherSecretKeys).toEqual([
      other,
      key,
    ]);
  });

  it('takes the blob store as file: and a path, with or without slashes', () => {
    for (const store of ['file:///srv/blobs', 'file:/srv/blobs'])
      expect(loadConfig('gateway', { ...alone, VICE_BLOB_STORE: store }).blobStore).toEqual({
        kind: 'file',
        folder: '/srv/blobs',
      });
  });

  it('of a registry lets be what the services that hold blobs are told of them', () => {
    expect(loadConfig('registry', { ...alone, VICE_BLOB_REDIRECT: 'true' })).toMatchObject({ app: 'registry' });
    expect(loadConfig('registry', { ...alone, VICE_BLOB_STORE: 's3://images?region=x' })).toMatchObject({ app: 'registry' });
    expect(() => loadConfig('gateway', { ...alone, VICE_BLOB_REDIRECT: 'true' })).toThrow('VICE_BLOB_REDIRECT=true needs');
  });

  it('of a change of keys takes the settings of a registry, too', () => {
    const registry = { ...alone, VICE_OTHER_SECRET_KEYS: key, VICE_MIGRATE_AT_START: 'false', VICE_BLOB_REDIRECT: 'true' };
    expect(loadRotateConfig(registry)).toMatchObject({ secretKey: key, otherSecretKeys: [key], amqpUrl: 'amqp://broker' });
    expect(loadRotateConfig({})).toMatchObject({ secretKey: null, otherSecretKeys: [], databaseUrl: null, amqpUrl: null });
    expect(() => loadRotateConfig({ VICE_SECRET_KEY: 'short' })).toThrow('VICE_SECRET_KEY must be 32 bytes');
  });

  describe('of a blob store in S3', () => {
    const keys = { VICE_S3_ACCESS_KEY_ID: 'id', VICE_S3_SECRET_ACCESS_KEY: 'hidden' };
    const load = (store: string, more: Record<string, string> = keys) =>
      loadConfig('gateway', { ...alone, VICE_DATA_DIR: '/srv/data', VICE_BLOB_STORE: store, ...more }).blobStore;

    it('takes bucket, prefix and where the store is', () => {
      const store =
        's3://images/vice/blobs/?endpoint=https://s3.example.org/&publicEndpoint=https://d.example.org&pathStyle=true';
      expect(load(store, { ...keys, VICE_BLOB_REDIRECT: 'true' })).toEqual({
        ...{ kind: 's3', bucket: 'images', prefix: 'vice/blobs/', endpoint: 'https://s3.example.org' },
        ...{ publicEndpoint: 'https://d.example.org', region: 'us-east-1', pathStyle: true },
        ...{ accessKeyId: 'id', secretAccessKey: 'hidden', scratch: '/srv/data/scratch', redirect: true },
      });
      expect(load('s3://images?region=eu-central-1')).toMatchObject({
        ...{ prefix: '', endpoint: null, publicEndpoint: null, region: 'eu-central-1', pathStyle: false, redirect: false },
      });
    });

    it.each([
      ['s3://images', keys, 'needs region'],
      ['s3://Images_1?region=x', keys, 's3://bucket/prefix'],
      ['s3://me:hidden@images?region=x', keys, 'must hold no key'],
      ['s3://images/a//b?region=x', keys, 'has a prefix'],
      ['s3://images/a%2Fb?region=x', keys, 'has a prefix'],
      ['s3://images?region=x&acl=public', keys, 'unknown setting "acl"'],
      ['s3://images?endpoint=s3.example.org', keys, 'endpoint=…, which must be http:// or https://'],
      ['s3://images?region=x&pathStyle=yes', keys, 'pathStyle=yes'],
      ['s3://images?region=x', {}, 'VICE_S3_ACCESS_KEY_ID is missing'],
      ['s3://images?region=x', { VICE_S3_ACCESS_KEY_ID: 'id' }, 'VICE_S3_SECRET_ACCESS_KEY is missing'],
      ['file:/srv/blobs', { VICE_BLOB_REDIRECT: 'true' }, 'VICE_BLOB_REDIRECT=true needs a blob store to redirect to'],
      ['file:/srv/blobs', { VICE_BLOB_REDIRECT: 'yes' }, 'VICE_BLOB_REDIRECT must be one of true, false'],
    ])('says what is wrong with %s and %o', (store, more, message) => {
      const start = () => load(store, more);
      expect(start).toThrow(message);
      expect(start).not.toThrow(/hidden/);
    });
  });
});
