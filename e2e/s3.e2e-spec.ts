import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { objectStore, startObjectStore, tool, until, type TestObjectStore } from '#libs/testing';
import { qcow2, storeImage } from '../libs/providers/bwlehrpool/test/bwlehrpool-bench.js';
import { BLOCK } from '../libs/providers/bwlehrpool/test/satellite/store.js';
import { startSatellite, type TestSatellite } from '../libs/providers/bwlehrpool/test/satellite/test-satellite.js';
import { type ViceClient } from './client.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const MIB = 1 << 20;
const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

await inBothWays('with blobs in S3', [objectStore(), tool('openssl')], (way) => {
  let server: TestObjectStore;
  let satellite: TestSatellite;
  let vice: Vice;
  let ada: ViceClient;
  const content = randomBytes(20 * MIB + 123);
  const secret = () => server.secretAccessKey;

  const start = (redirect: boolean) =>
    startVice(way, {
      env: {
        // Two installations, each with a database of its own, must not share a place: each sweeps what it does not know.
        VICE_BLOB_STORE: `s3://images/${way}${redirect ? '-redirecting' : ''}?endpoint=${server.endpoint}&pathStyle=true`,
        VICE_S3_ACCESS_KEY_ID: server.accessKeyId,
        VICE_S3_SECRET_ACCESS_KEY: secret(),
        VICE_BLOB_REDIRECT: String(redirect),
        VICE_LEASE_SECONDS: '15',
      },
    });
  const keysOf = async (folder: string) =>
    (await server.keys('images')).filter((key) => key.startsWith(`${way}/${folder}`) && !key.endsWith('/check'));

  beforeAll(async () => {
    [server, satellite] = await Promise.all([startObjectStore(), startSatellite()]);
    await server.makeBucket('images');
    vice = await start(false);
    ada = await vice.newUser();
  }, 300_000);
  afterAll(async () => {
    satellite?.faults.letGo();
    await vice?.[Symbol.asyncDispose]();
    await satellite?.[Symbol.asyncDispose]();
    await server?.stop();
  }, 60_000);

  test('an upload passes, comes back whole and in part, and its object goes with the image', async () => {
    const image = await ada.uploadedImage(content, { contenttype: 'disk-raw' });
    expect(image).toMatchObject({ digest: digestOf(content), size: content.length });
    expect(await keysOf('blobs/')).toHaveLength(1);
    const whole = await ada.download(image.id);
    expect(Buffer.from(await whole.arrayBuffer()).equals(content)).toBe(true);
    const range = await ada.download(image.id, { range: 'bytes=9000000-17999999' });
    expect(range.status).toBe(206);
    expect(Buffer.from(await range.arrayBuffer()).equals(content.subarray(9_000_000, 18_000_000))).toBe(true);
    expect((await ada.delete(`/image/${image.id}`)).status).toBe(200);
    await until(async () => (await keysOf('')).length === 0, { what: 'garbage collection removes the object', timeout: 60_000 });
  }, 120_000);

  test('an import whose worker is killed in the middle goes on with what is in the bucket', async () => {
    const size = 7 * BLOCK + 1234;
    const big = qcow2(size);
    const { base } = storeImage(satellite, big, { name: 'big' });
    const credentials = satellite.access('tls');
    const environment = await ada.createEnvironment({ managementlayer: { software: 'bwLehrpool' }, credentials });
    satellite.store.asked.length = 0;
    satellite.faults.holdAfter(5 * BLOCK);
    const { id } = await ada.import(environment.id, base.id);
    await until(async () => (await keysOf('staging/')).filter((key) => /\/\d{6}$/.test(key)).length >= 3, {
      what: 'segments of the import are in the bucket',
      timeout: 60_000,
    });
    await vice.crash('import-worker');
    satellite.store.asked.length = 0;
    satellite.faults.letGo();
    expect(await ada.settledImage(id)).toMatchObject({ status: 'ready', size, digest: digestOf(big) });
    const imports = (await ada.imageJobs(id)).filter((job) => job.action === 'import');
    expect(imports).toEqual([expect.objectContaining({ state: 'succeeded', attempt: 2, bytesDone: size })]);
    const again = satellite.store.asked.filter(({ end }) => end > 512).map(({ start: from }) => from);
    expect(Math.min(...again)).toBeGreaterThanOrEqual(BLOCK);
    await until(async () => (await keysOf('staging/')).length === 0, { what: 'nothing stays in staging', timeout: 60_000 });
  }, 180_000);

  test('without the bucket the services say that they are not ready, and are again when it is back', async () => {
    const ready = async () => (await fetch(`${vice.url}/health/ready`)).status;
    await server.halt();
    await until(async () => (await ready()) === 503, { what: 'the gateway is not ready', timeout: 60_000 });
    await server.start();
    await until(async () => (await ready()) === 200, { what: 'the gateway is ready again', timeout: 60_000 });
  }, 180_000);

  test('downloads are redirected where that is wished, and no key is in any answer or log', async () => {
    await using redirecting = await start(true);
    const eve = await redirecting.newUser();
    const image = await eve.uploadedImage(content, { contenttype: 'disk-raw', title: 'a disk' });
    const path = `${redirecting.url}/v1/image/${image.id}/file`;
    const ask = (headers: Record<string, string> = {}, method = 'GET') =>
      fetch(path, { method, redirect: 'manual', headers: { ...eve.authorization(), ...headers } });
    const etag = `"${digestOf(content)}"`;

    const sent = await ask();
    expect(sent.status).toBe(307);
    expect(sent.headers.get('etag')).toBe(etag);
    expect(sent.headers.get('repr-digest')).toMatch(/^sha-256=:/);
    const bytes = await fetch(sent.headers.get('location')!);
    expect(Buffer.from(await bytes.arrayBuffer()).equals(content)).toBe(true);
    expect(bytes.headers.get('content-disposition')).toContain('a disk.img');
    expect(bytes.headers.get('content-type')).toBe('application/octet-stream');
    // What a client does that follows by itself, with its range.
    const part = await fetch(path, { headers: { ...eve.authorization(), range: 'bytes=5-9' } });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, content.subarray(5, 10)]);

    // What depends on our tag is for us to answer: the store knows another.
    expect((await ask({ range: 'bytes=5-9', 'if-range': etag })).status).toBe(206);
    const changed = await ask({ range: 'bytes=5-9', 'if-range': '"sha256:what it was before"' });
    expect([changed.status, changed.headers.get('content-length')]).toEqual([200, String(content.length)]);
    expect([(await ask({ 'if-match': etag })).status, (await ask({ 'if-match': '"x"' })).status]).toEqual([200, 412]);
    expect((await ask({ 'if-none-match': etag })).status).toBe(304);
    expect((await ask({ range: `bytes=${content.length}-` })).status).toBe(416);
    const head = await ask({}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(content.length)]);

    // Deleted, it stays for as long as somebody may be fetching it.
    await eve.delete(`/image/${image.id}`);
    const late = await fetch(sent.headers.get('location')!, { headers: { range: 'bytes=0-0' } });
    expect(late.status).toBe(206);
    expect([...redirecting.heard, redirecting.logs(), vice.logs()].join('\n')).not.toContain(secret());
  }, 180_000);
});
