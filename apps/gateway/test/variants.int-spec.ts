import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BlobCalls, DeploymentCalls, ImageCalls, type Job } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { until } from '#libs/testing';
import { DEPLOYMENT, DEPLOYMENT_ID, IMAGE_ID, JOB, VARIANTS } from './fixtures.js';
import { ADA, TestGateway } from './test-gateway.js';

const PATH = `/v1/image/${IMAGE_ID}/file`;
const VMDK = `${PATH}?contenttype=disk-vmdk`;
const CONTENT = randomBytes(100_000);
const MAKING: Job = {
  ...JOB,
  ...{
    kind: 'store',
    action: 'convert',
    state: 'running',
    error: null,
    bytesDone: 500,
    bytesTotal: 1000,
    percent: 50,
    bytesPerSecond: 50,
  },
};

describe('an image in another content type', () => {
  let gateway: TestGateway;
  let digest: string;

  beforeAll(async () => {
    gateway = await TestGateway.start();
    await using staged = await gateway.blobs.stage({ writer: `upload-${IMAGE_ID}` });
    staged.end(CONTENT);
    ({ digest } = await staged.commit());
  });
  beforeEach(() => {
    gateway.asked.splice(0);
    gateway.answer(ImageCalls.openVariant, ({ wish }) => ({
      content: { digest, size: CONTENT.length, contentType: wish.contentType, title: 'Course' },
    }));
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const refusing = (error: ViceError) => gateway.answer(ImageCalls.openVariant, () => Promise.reject(error));

  it('is sent as the original would be', async () => {
    const answer = await gateway.ask(`${VMDK}&subformat=streamOptimized`);
    expect(answer.status).toBe(200);
    expect(Buffer.compare(answer.body, CONTENT)).toBe(0);
    expect(answer.headers).toMatchObject({
      etag: `"${digest}"`,
      'accept-ranges': 'bytes',
      'content-disposition': 'attachment; filename="Course.vmdk"',
    });
    const wish = { contentType: 'disk-vmdk', subformat: 'streamOptimized' };
    expect(gateway.askedOf(ImageCalls.openVariant)).toMatchObject([{ userId: ADA.id, imageId: IMAGE_ID, wish, make: true }]);
    const [asked] = gateway.askedOf(ImageCalls.openVariant);
    const released = () => gateway.askedOf(BlobCalls.releaseHold).some(({ holder }) => holder === asked?.holder);
    await until(released, { what: 'the pin is released' });
  });

  it('is sent in ranges', async () => {
    const answer = await gateway.ask(VMDK, { headers: { range: 'bytes=10-19', 'if-range': `"${digest}"` } });
    expect(answer).toMatchObject({ status: 206, headers: { 'content-range': `bytes 10-19/${CONTENT.length}` } });
    expect(Buffer.compare(answer.body, CONTENT.subarray(10, 20))).toBe(0);
  });

  it.each([
    [undefined, 'application/json'],
    ['application/octet-stream', 'application/json'],
    ['application/octet-stream, application/xml;q=0.5', 'application/xml'],
  ])('that is not there yet is answered with the job that makes it: Accept %s', async (accept, type) => {
    gateway.answer(ImageCalls.openVariant, () => ({ job: MAKING }));
    const answer = await gateway.ask(VMDK, { headers: { ...(accept && { accept }) } });
    expect(answer).toMatchObject({ status: 202, headers: { location: VMDK, 'retry-after': '10' } });
    expect(answer.headers['content-type']).toBe(`${type}; charset=utf-8`);
    if (type === 'application/json') expect(answer.json()).toEqual(MAKING);
    else expect(answer.text).toContain('<Job><id>');
  });

  it('is not made for a HEAD, which tells of what is under way', async () => {
    gateway.answer(ImageCalls.openVariant, () => ({ job: MAKING }));
    expect(await gateway.ask(VMDK, { method: 'HEAD' })).toMatchObject({
      status: 202,
      text: '',
      headers: { 'retry-after': '10' },
    });
    expect(gateway.askedOf(ImageCalls.openVariant)).toMatchObject([{ make: false }]);
  });

  it('is not made for who has not logged in', async () => {
    refusing(new ViceError('UNAUTHENTICATED', 'log in to have it made'));
    const answer = await gateway.ask(VMDK, { anonymous: true });
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': expect.stringContaining('Basic') } });
    expect(gateway.askedOf(ImageCalls.openVariant)).toMatchObject([{ userId: null }]);
  });

  it.each([
    new ViceError('NOT_CONVERTIBLE', 'there is no way from packerfile to disk-vmdk'),
    new ViceError('TOOLS_MISSING', 'run scripts/install-tools.sh'),
  ])('409 with the reason: %s', async (error) => {
    refusing(error);
    const answer = await gateway.ask(VMDK);
    expect(answer.status).toBe(409);
    expect(answer.json()).toMatchObject({ code: error.code, detail: error.message });
  });

  it('comes with where it is from, in XML too', async () => {
    gateway.answer(ImageCalls.findVariants, () => VARIANTS);
    const answer = await gateway.ask(`/v1/image/${IMAGE_ID}/variants`, {
      anonymous: true,
      headers: { accept: 'application/xml' },
    });
    expect(answer.text).toMatch(/<Variants><Variant><contenttype>disk-raw<.*<arguments><argument>convert<\/argument>/s);
    expect(gateway.askedOf(ImageCalls.findVariants)).toEqual([{ userId: null, imageId: IMAGE_ID }]);
  });

  it('shows in the plan of a deployment, in XML too', async () => {
    gateway.answer(DeploymentCalls.getDeployment, () => DEPLOYMENT);
    const answer = await gateway.ask(`/v1/deployment/${DEPLOYMENT_ID}`, { headers: { accept: 'application/xml' } });
    expect(answer.text).toMatch(/<plan><step><kind>store<.*<error><code>CONTENT_REFUSED<.*<\/step><step><kind>export</s);
  });
});
