import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Image, type Job, type Problem, type Variant } from '#libs/contracts';
import { tool, until } from '#libs/testing';
import { type ViceClient } from './client.js';
import { inBothWays, startVice, type Vice } from './vice.js';

const MIB = 1024 * 1024;

await inBothWays('an image in other content types', [tool('qemu-img')], (way) => {
  let vice: Vice;
  let ada: ViceClient;

  beforeAll(async () => {
    vice = await startVice(way);
    ada = await vice.newUser();
  }, 120_000);
  afterAll(async () => vice?.[Symbol.asyncDispose](), 60_000);

  const disk = () => Buffer.concat([randomBytes(MIB), Buffer.alloc(6 * MIB), randomBytes(MIB)]);
  const file = ({ id }: Image, query: string) => `/image/${id}/file?${query}`;

  /** The bytes, once they are there; and the statuses on the way. */
  async function downloaded(image: Image, query: string): Promise<{ content: Buffer; statuses: number[] }> {
    const statuses: number[] = [];
    const response = await until(
      async () => {
        const answer = await fetch(`${vice.url}/v1${file(image, query)}`, { headers: ada.authorization() });
        statuses.push(answer.status);
        if (answer.status === 200) return answer;
        expect(answer.status).toBe(202);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        expect((await answer.json()) as Job).toMatchObject({ kind: 'store', action: 'convert' });
        return undefined;
      },
      { what: `${query} is made`, timeout: 50_000 },
    );
    return { content: Buffer.from(await response.arrayBuffer()), statuses };
  }

  test('is made once, says how, and is the same disk', async () => {
    const image = await ada.uploadedImage(disk(), { contenttype: 'disk-raw' });
    const { content, statuses } = await downloaded(image, 'contenttype=disk-qcow2');
    expect(statuses[0]).toBe(202);
    expect((await downloaded(image, 'contenttype=disk-qcow2')).statuses).toEqual([200]);

    const { body: variants } = await ada.get<Variant[]>(`/image/${image.id}/variants`);
    expect(variants).toMatchObject([
      { contenttype: 'disk-raw', digest: image.digest, contentDigest: expect.stringMatching(/^disk-sha256-4m:[0-9a-f]{64}$/) },
      {
        ...{
          contenttype: 'disk-qcow2',
          size: content.length,
          contentDigest: variants[0]?.contentDigest,
          derivedFrom: image.digest,
        },
        ...{
          recipe: 'disk-raw-to-disk-qcow2/1',
          tool: expect.stringMatching(/^qemu-img \d/),
          arguments: expect.arrayContaining(['convert']),
        },
      },
    ]);

    const again = await ada.uploadedImage(content, { contenttype: 'disk-qcow2' });
    expect(again.contentDigest).toBe(variants[0]?.contentDigest);
    expect((await ada.get<Image>(`/image/${again.id}`)).body.sameDisk).toEqual([image.id]);
    const { body: same } = await ada.get<Image[]>(`/images?sort=createdAt&contentDigest=${again.contentDigest}`);
    expect(same.map(({ id }) => id)).toEqual([image.id, again.id]);
  });

  test('comes back byte for byte through another content type', async () => {
    const content = disk();
    const image = await ada.uploadedImage(content, { contenttype: 'disk-raw' });
    const streamed = await downloaded(image, 'contenttype=disk-vmdk&subformat=streamOptimized');
    const vmdk = await ada.uploadedImage(streamed.content);
    expect(vmdk).toMatchObject({ contenttype: 'disk-vmdk' });
    const back = await downloaded(vmdk, 'contenttype=disk-raw');
    expect(back.content.equals(content)).toBe(true);
  });

  test('is made for nobody who has not logged in, and not where there is no way', async () => {
    const image = await ada.uploadedImage(disk(), { contenttype: 'disk-raw', visibility: 'public' });
    const stranger = await vice.anonymous().get(file(image, 'contenttype=disk-qcow2'));
    expect(stranger.status).toBe(401);
    expect(stranger.headers.get('www-authenticate')).toContain('Basic');
    const noWay = await ada.get<Problem>(file(image, 'contenttype=packerfile'));
    expect(noWay).toMatchObject({ status: 409, body: { code: 'NOT_CONVERTIBLE' } });
    expect((await ada.get<Job[]>(`/image/${image.id}/jobs`)).body.map(({ action }) => action)).toEqual(['inspect']);
  });
});
