import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ImageCalls } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { Samples, until } from '#libs/testing';
import { IMAGE, IMAGE_ID } from './fixtures.js';
import { RawConnection } from './raw-connection.js';
import { BASIC, TestGateway } from './test-gateway.js';

const CONTENT = randomBytes(64_000_000);
const FILE = '/v1/image/:imageId/file';

describe('the metrics of the gateway', () => {
  let gateway: TestGateway;

  beforeAll(async () => {
    gateway = await TestGateway.start();
    await using staged = await gateway.blobs.stage({ writer: `upload-${IMAGE_ID}` });
    staged.end(CONTENT);
    const { digest } = await staged.commit();
    const content = { digest, size: CONTENT.length, contentType: 'disk-raw' as const, title: null };
    gateway.answer(ImageCalls.openContent, () => content);
    gateway.answer(ImageCalls.getImage, ({ imageId }) => {
      if (imageId === IMAGE_ID) return IMAGE;
      throw new ViceError('IMAGE_NOT_FOUND', 'there is no such image');
    });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const samples = () => Samples.at(gateway.url);
  const inFlight = async () => (await samples()).sum('http_requests_in_flight');

  /** What `requests` add to the requests counted, by `label`. It waits until as many have been counted. */
  async function counted(label: string, labels: Record<string, string>, requests: () => Promise<unknown>, count: number) {
    const now = async () => (await samples()).by(label, 'http_requests_total', labels);
    const sum = (values: Record<string, number>) => Object.values(values).reduce((all, value) => all + value, 0);
    const before = await now();
    await requests();
    const after = await until(
      async () => {
        const values = await now();
        return sum(values) - sum(before) >= count && values;
      },
      { what: `${count} requests are counted` },
    );
    const more = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const);
    return Object.fromEntries(more.filter(([, change]) => change !== 0));
  }

  it('are there without a login, as text of Prometheus', async () => {
    const answer = await gateway.ask('/metrics', { anonymous: true });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(Samples.of(answer.text).sum('vice_build_info')).toBe(1);
    expect((await gateway.ask('/v1/metrics', { anonymous: true })).status).toBe(404);
  });

  it('count requests by route, method and status', async () => {
    const requests = async () => {
      for (const id of [IMAGE_ID, IMAGE_ID, crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()])
        await gateway.ask(`/v1/image/${id}`);
      await gateway.ask(`/v1/image/${IMAGE_ID}`, { anonymous: true, headers: { authorization: 'Basic wrong' } });
    };
    expect(await counted('status', { route: '/v1/image/:imageId', method: 'GET' }, requests, 6)).toEqual({
      200: 2,
      404: 3,
      401: 1,
    });
    const seconds = { route: '/v1/image/:imageId', method: 'GET' };
    expect((await samples()).sum('http_request_duration_seconds_count', seconds)).toBe(6);
  });

  it('count all that has no route as one, whatever its path and method are', async () => {
    const paths = ['/v1/nothing', '/', '/v1/image/%zz', `/v1/${'x'.repeat(500)}`, '/v1/image/a/b/c/d'];
    const requests = async () => {
      for (const path of paths) await gateway.ask(path);
      await gateway.ask('/v1/images', { method: 'DELETE' });
      await gateway.ask('/v1/images', { method: 'PROPFIND' });
      using connection = await RawConnection.open(gateway.url);
      await connection.send('NONSENSE\r\n\r\n').expect('MALFORMED_REQUEST');
    };
    const methods = await counted('method', { route: 'unmatched' }, requests, paths.length + 3);
    expect(methods).toEqual({ GET: paths.length, DELETE: 1, other: 2 });
    const routes = Object.keys((await samples()).by('route', 'http_requests_total'));
    expect(routes.filter((route) => /%|x{9}|nothing/.test(route))).toEqual([]);
  });

  it('count a download that its client breaks off, and one that it leaves before there is an answer', async () => {
    const head = `Host: vice\r\nAuthorization: ${BASIC}\r\n\r\n`;
    const breakOff = async () => {
      using connection = await RawConnection.open(gateway.url);
      await connection.send(`GET /v1/image/${IMAGE_ID}/file HTTP/1.1\r\n${head}`).expect('HTTP/1.1 200 OK');
      await until(async () => (await inFlight()) === 1, { what: 'it is in flight' });
    };
    expect(await counted('status', { route: FILE }, breakOff, 1)).toEqual({ 200: 1 });
    let answer = () => undefined as void;
    gateway.answer(
      ImageCalls.findImages,
      () => new Promise((resolve) => (answer = () => resolve({ images: [], next: null, total: 0 }))),
    );
    const leave = async () => {
      using connection = await RawConnection.open(gateway.url);
      connection.send(`GET /v1/images HTTP/1.1\r\n${head}`);
      await until(() => gateway.askedOf(ImageCalls.findImages).length === 1, { what: 'it is asked for' });
    };
    expect(await counted('status', { route: '/v1/images' }, leave, 1)).toEqual({ 499: 1 });
    answer();
    expect(await inFlight()).toBe(0);
  });

  it('tell how much place the blob store has, and leave it out while that cannot be told', async () => {
    const [free, capacity] = ['vice_blob_free_bytes', 'vice_blob_capacity_bytes'];
    const there = await samples();
    expect(there.sum(free!)).toBeGreaterThan(0);
    expect(there.sum(capacity!)).toBeGreaterThanOrEqual(there.sum(free!)!);
    await rm(gateway.blobFolder, { recursive: true });
    const gone = await samples();
    expect([gone.sum(free!), gone.sum(capacity!), gone.sum('vice_metrics_unavailable', { part: 'blobStore' })]).toEqual([
      ...[undefined, undefined, 1],
    ]);
  });
});
