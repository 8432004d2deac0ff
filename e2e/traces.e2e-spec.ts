import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Image } from '#libs/contracts';
import {
  busyboxImage,
  dockerEngine,
  startEngine,
  startSpanReceiver,
  until,
  type ReceivedSpan,
  type SpanReceiver,
  type TestEngine,
} from '#libs/testing';
import { expectStatus, type ViceClient } from './client.js';
import { logLines } from './log-lines.js';
import { inBothWays, startVice, type Vice } from './vice.js';

/** What a client sends that is traced itself. */
function tracedRequest() {
  const [traceId, spanId, requestId] = [
    randomBytes(16).toString('hex'),
    randomBytes(8).toString('hex'),
    `trip-${randomBytes(4).toString('hex')}`,
  ];
  return { traceId, spanId, requestId, headers: { traceparent: `00-${traceId}-${spanId}-01`, 'x-request-id': requestId } };
}

await inBothWays('a request is followed to the environment', [dockerEngine('26c')], (way) => {
  let vice: Vice;
  let receiver: SpanReceiver;
  let engine: TestEngine;
  let ada: ViceClient;
  let environment: string;
  let image: Image;
  const service = (name: string) => (way === 'separate' ? `vice-${name}` : 'vice-standalone');

  beforeAll(async () => {
    receiver = await startSpanReceiver();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '100', VICE_LEASE_SECONDS: '30' };
    [engine, vice] = await Promise.all([startEngine('26c'), startVice(way, { env })]);
    await busyboxImage(engine, 'travel/busybox:1', { greeting: 'hello' });
    ada = await vice.newUser();
    environment = (await ada.dockerEnvironment(engine.location, 'engine')).id;
  }, 180_000);
  afterAll(async () => {
    await vice?.[Symbol.asyncDispose]();
    await Promise.all([engine, receiver].map((part) => part?.[Symbol.asyncDispose]()));
  }, 60_000);

  /** The spans of one trace, once the last of them has come, and all that they belong to; each service sends its own when it likes. */
  async function traceWith(traceId: string, last: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan[]> {
    const isWhole = () => {
      const spans = receiver.trace(traceId);
      const known = new Set(spans.map(({ spanId }) => spanId));
      return spans.some(last) && spans.every(({ parentSpanId, kind }) => known.has(parentSpanId) || kind === 'server');
    };
    await until(isWhole, { what: 'the trace is complete', timeout: 20_000 });
    return receiver.trace(traceId);
  }

  test('an import: from the route over registry and queue to the engine and the blob store, and on to the inspection', async () => {
    const { traceId, spanId, requestId, headers } = tracedRequest();
    const body = { title: 'BusyBox', originEnvironment: { id: environment }, environmentReference: 'travel/busybox:1' };
    const created = await ada.request<Image>('POST', '/images', { json: body, headers });
    expectStatus(201, created);
    image = await ada.settledImage(created.body.id);
    expect(image.status).toBe('ready');
    const jobs = await ada.imageJobs(image.id);
    const trace = await traceWith(traceId, ({ name }) => name === 'process store');
    const one = (name: string, of: string): ReceivedSpan => {
      const found = trace.find((span) => span.name === name && span.service === service(of));
      if (!found) throw new Error(`the ${of} sent no span "${name}"`);
      return found;
    };

    const request = one('POST /v1/images', 'gateway');
    expect(request).toMatchObject({
      ...{ parentSpanId: spanId, kind: 'server', failed: false },
      attributes: { 'http.route': '/v1/images', 'http.response.status_code': 201, 'vice.request.id': requestId },
    });
    const CREATE = ['registry/image.create', 'registry/image.create', 'POST /v1/images'];
    const IMPORT = ['publish import', ...CREATE];
    const worked = one('process import', 'import-worker');
    expect(worked).toMatchObject({
      kind: 'consumer',
      failed: false,
      attributes: { 'vice.job.attempt': 1, 'vice.job.action': 'import' },
    });
    expect(receiver.around(worked)).toEqual(IMPORT);
    expect(
      trace
        .filter(({ name }) => name === 'registry/image.create')
        .map(({ kind, service: by }) => [kind, by])
        .sort(),
    ).toEqual([
      ['client', service('gateway')],
      ['server', service('registry')],
    ]);
    for (const step of ['docker describe', 'docker read', 'blob stage', 'blob commit']) {
      const span = one(step, 'import-worker');
      expect({ step, around: receiver.around(span) }).toEqual({ step, around: ['process import', ...IMPORT] });
    }
    const asked = trace.filter((span) => span.name === 'GET' && receiver.around(span)[0] === 'docker read');
    expect(asked.map(({ attributes }) => attributes)).toContainEqual(
      expect.objectContaining({ 'url.path': expect.stringMatching(/^\/images\/.*\/get$/), 'http.response.status_code': 200 }),
    );
    expect(receiver.around(one('process store', 'store-worker'))).toEqual(['publish store', ...CREATE]);

    const [inspected, imported] = jobs.map(({ id }) => id);
    for (const [by, jobId, msg] of [
      ['gateway', undefined, 'request'],
      ['import-worker', imported, 'job begins'],
      ['import-worker', imported, 'job ends well'],
      ['registry', imported, 'an attempt ended'],
      ['store-worker', inspected, 'job ends well'],
      ['registry', inspected, 'an attempt ended'],
    ] as const) {
      const expected = {
        service: way === 'separate' ? by : 'standalone',
        msg,
        requestId,
        traceId,
        ...(jobId && { jobId, attempt: 1 }),
      };
      await until(
        () => logLines(vice.logs()).some((line) => Object.entries(expected).every(([key, value]) => line[key] === value)),
        {
          what: `the log says ${JSON.stringify(expected)}`,
        },
      );
    }
  }, 180_000);

  test('a deployment, and its removal by another request', async () => {
    const deploying = tracedRequest();
    const created = await ada.request<{ id: string }>('POST', '/deploy', {
      json: { imageid: image.id, environmentId: environment },
      headers: deploying.headers,
    });
    expectStatus(201, created);
    expect((await ada.settledDeployment(created.body.id)).status).toBe('deployed');
    const trace = await traceWith(deploying.traceId, ({ name }) => name === 'process export');
    const write = trace.find(({ name }) => name === 'docker write')!;
    expect(receiver.around(write).slice(0, 3)).toEqual(['process export', 'publish export', 'registry/deployment.create']);
    expect(trace.map(({ name }) => name)).toContain('blob open');

    const removing = tracedRequest();
    expectStatus(200, await ada.request('DELETE', `/deployment/${created.body.id}`, { headers: removing.headers }));
    const removal = await traceWith(removing.traceId, ({ name }) => name === 'process export');
    expect(removal.map(({ name }) => name)).toContain('docker remove');
  }, 180_000);

  test('a check of an environment, asked of a worker', async () => {
    const { traceId, requestId, headers } = tracedRequest();
    expectStatus(200, await ada.request('POST', `/environment/${environment}/check`, { headers }));
    await traceWith(traceId, ({ name }) => name.startsWith('POST /v1/environment'));
    const trace = await traceWith(traceId, ({ name }) => name === 'docker check');
    const check = trace.find(({ name }) => name === 'docker check')!;
    expect(receiver.around(check).at(-1)).toBe('POST /v1/environment/:environmentId/check');
    expect(check.attributes).toMatchObject({ 'vice.environment.id': environment });
    expect(logLines(vice.logs())).toContainEqual(expect.objectContaining({ msg: 'request', requestId, traceId }));
  });

  test('attempts that fail are further spans of the same trace, each with its error', async () => {
    const nowhere = (await ada.dockerEnvironment('unix:///nowhere/docker.sock', 'nowhere')).id;
    const { traceId, requestId, headers } = tracedRequest();
    const body = { originEnvironment: { id: nowhere }, environmentReference: 'x' };
    const created = await ada.request<Image>('POST', '/images', { json: body, headers });
    const second = ({ name, attributes }: ReceivedSpan) => name === 'process import' && attributes['vice.job.attempt'] === 2;
    const trace = await traceWith(traceId, second);
    await ada.delete(`/image/${created.body.id}`);
    const attempts = trace.filter(({ name }) => name === 'process import');
    expect(attempts).toEqual(
      [1, 2].map((attempt) =>
        expect.objectContaining({ failed: true, attributes: expect.objectContaining({ 'vice.job.attempt': attempt }) }),
      ),
    );
    const published = trace.filter(({ name }) => name === 'publish import');
    expect(published.map(({ spanId }) => spanId)).toEqual(attempts.map(({ parentSpanId }) => parentSpanId));
    expect(new Set(published.map(({ parentSpanId }) => parentSpanId)).size).toBe(1);
    for (const attempt of [1, 2]) {
      expect(logLines(vice.logs())).toContainEqual(
        expect.objectContaining({ msg: 'job ends without success', requestId, attempt }),
      );
    }
  });

  test('a request without a traceparent begins a trace, and one with a wrong one too', async () => {
    for (const traceparent of [undefined, '00-zz-yy-01']) {
      const requestId = `alone-${randomBytes(4).toString('hex')}`;
      await ada.get('/images', { 'x-request-id': requestId, ...(traceparent && { traceparent }) });
      const found = () => receiver.spans().find(({ attributes }) => attributes['vice.request.id'] === requestId);
      await until(() => found() !== undefined, { what: 'the span has come' });
      expect(found()).toMatchObject({
        name: 'GET /v1/images',
        parentSpanId: '',
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      });
    }
  });

  test('what is left is sent when the services stop: no span lacks its parent, and none is of a health check', async () => {
    const { traceId, headers } = tracedRequest();
    await ada.request('GET', '/environments', { headers });
    expect(await vice.terminate()).toEqual(expect.arrayContaining([0]));
    expect(receiver.trace(traceId).map(({ name }) => name)).toContain('GET /v1/environments');
    const spans = receiver.spans();
    expect(spans.filter(({ name }) => /health|metrics/.test(name))).toEqual([]);
    const known = new Set(['', ...spans.map(({ spanId }) => spanId)]);
    const isOfClient = ({ kind, name }: ReceivedSpan) => kind === 'server' && name.includes('/v1/');
    expect(spans.filter((span) => !known.has(span.parentSpanId) && !isOfClient(span))).toEqual([]);
  });
});
