import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ViceError } from '#libs/errors';
import { startSpanReceiver, until, type SpanReceiver } from '#libs/testing';
import { beginWork, currentTrail, keepFromLogs } from '../work.js';
import { tracedMethods } from '../tracing/traced-methods.js';
import { startTracing, traced, tracedFrom, untraced, type Tracing, type TracingOptions } from '../tracing/tracing.js';

const quiet = pino({ level: 'silent' });

const options = (endpoint: string, more: Partial<TracingOptions> = {}): TracingOptions => ({
  ...{ endpoint, headers: {}, serviceName: 'vice-test', sampler: 'parentbased_always_on', ratio: 1 },
  ...more,
});

describe('traces', () => {
  let receiver: SpanReceiver;
  let tracing: Tracing;
  beforeEach(async () => void (receiver = await startSpanReceiver()));
  afterEach(async () => {
    await tracing.close();
    await receiver[Symbol.asyncDispose]();
  });

  const byName = (name: string) => receiver.spans().find((span) => span.name === name);

  it('go on where a traceparent from elsewhere says, one span within the other', async () => {
    tracing = await startTracing(options(`${receiver.url}/`, { headers: { authorization: 'Bearer of-ours' } }), quiet);
    const [traceId, parentId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
    const trails: (string | undefined)[] = [];
    await tracedFrom(`00-${traceId}-${parentId}-01`, 'outer', { kind: 'server', attributes: { size: 7 } }, async () => {
      await traced('inner', { kind: 'client' }, async () => void trails.push(currentTrail().traceParent));
      await untraced(() => traced('of no interest', {}, async () => undefined));
    });
    await tracing.close();
    const [outer, inner] = [byName('outer')!, byName('inner')!];
    expect(outer).toMatchObject({
      traceId,
      parentSpanId: parentId,
      kind: 'server',
      service: 'vice-test',
      attributes: { size: 7 },
    });
    expect(inner).toMatchObject({ traceId, parentSpanId: outer.spanId, kind: 'client', failed: false });
    expect(trails).toEqual([`00-${traceId}-${inner.spanId}-01`]);
    expect(receiver.spans()).toHaveLength(2);
    expect(receiver.requests[0]).toMatchObject({ path: '/v1/traces', headers: { authorization: 'Bearer of-ours' } });
  });

  it('are not begun by a step that belongs to no trace', async () => {
    tracing = await startTracing(options(receiver.url), quiet);
    await traced('alone', {}, async () => undefined);
    await tracedFrom(undefined, 'first', {}, async () => undefined);
    await tracing.close();
    expect(receiver.spans()).toMatchObject([{ name: 'first', parentSpanId: '' }]);
  });

  it('are left out where the client or the sampler leaves them out, and others are told', async () => {
    tracing = await startTracing(options(receiver.url, { sampler: 'parentbased_always_off' }), quiet);
    const trails: (string | undefined)[] = [];
    const note = async () => void trails.push(currentTrail().traceParent?.slice(-3));
    const parent = `${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}`;
    await tracedFrom(undefined, 'ours', {}, note);
    await tracedFrom(`00-${parent}-00`, 'not wanted', {}, note);
    await tracedFrom(`00-${parent}-01`, 'wanted', {}, note);
    await tracing.close();
    expect(trails).toEqual(['-00', '-00', '-01']);
    expect(receiver.spans().map(({ name }) => name)).toEqual(['wanted']);
  });

  it('last as long as the stream that a step gives, and say what went wrong, without secrets', async () => {
    tracing = await startTracing(options(receiver.url), quiet);
    const source = tracedMethods(
      {
        read: async () => Readable.from([Buffer.from('a'), Buffer.from('b')]),
        write: async () => {
          throw new ViceError('ENVIRONMENT_REFUSED', 'the cloud says "no hunter2hunter2 here"');
        },
      },
      { read: ['read'], write: ['write', { kind: 'client' }] },
    );
    await beginWork({}, () => {
      keepFromLogs(['hunter2hunter2']);
      return tracedFrom(undefined, 'job', {}, async () => {
        const stream = await source.read();
        await source.write().catch(() => undefined);
        stream.resume();
        await finished(stream);
      });
    });
    await tracing.close();
    const inOrderOfEnding = receiver.spans().map(({ name }) => name);
    expect(inOrderOfEnding).toEqual(['write', 'read', 'job']);
    expect(byName('write')).toMatchObject({ failed: true, attributes: { 'error.type': 'ENVIRONMENT_REFUSED' } });
    expect(receiver.text()).toContain('no [secret] here');
    expect(receiver.text()).not.toContain('hunter2');
  });

  it('do no harm where nobody takes them: that is said once, and the end comes in time', async () => {
    await receiver[Symbol.asyncDispose]();
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
    const hurry = { OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_EXPORTER_OTLP_TIMEOUT: '300' };
    Object.assign(process.env, hurry);
    tracing = await startTracing(options(receiver.url), logger);
    const span = () => tracedFrom(undefined, 'lost', {}, async () => undefined);
    await span();
    await until(() => lines.length > 0, { what: 'the loss is said' });
    await span();
    const began = performance.now();
    await tracing.close();
    for (const name of Object.keys(hurry)) delete process.env[name];
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ msg: 'traces could not be sent; these spans are lost', spans: 1 });
  });
});
