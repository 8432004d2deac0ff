import { describe, expect, it } from '@jest/globals';
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
      VICE_LEASE_SECONDS: '0',
      VICE_EGRESS_DENY: '10.0.0.0/33',
      VICE_BLOB_STORE: 'ftp://x',
      VICE_VARIANT_QUOTA_BYTES: '-1',
      VICE_LOG_LEVEL: 'loud',
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

  it('takes the blob store as file: and a path, with or without slashes', () => {
    expect(loadConfig('gateway', { ...alone, VICE_BLOB_STORE: 'file:///srv/blobs' }).blobStore).toBe('/srv/blobs');
    expect(loadConfig('gateway', { ...alone, VICE_BLOB_STORE: 'file:/srv/blobs' }).blobStore).toBe('/srv/blobs');
  });
});
