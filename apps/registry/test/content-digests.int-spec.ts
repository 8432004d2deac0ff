import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  ImageCalls,
  type ContentType,
  type Digest,
  type InspectBlobPayload,
  type JobMessage,
  type JsonObject,
} from '#libs/contracts';
import { describeWith, postgres, until } from '#libs/testing';
import { ConversionPlace, newContentDigest, SIZE } from './conversion-place.js';

await describeWith([postgres()], 'the content digest of an original that a release before took in', () => {
  let place: ConversionPlace;
  beforeAll(async () => void (place = await ConversionPlace.open()));
  afterAll(async () => place[Symbol.asyncDispose]());

  async function image(contentType: ContentType) {
    const made = await place.image(contentType);
    await place.vice.sql(`UPDATE variants SET content_digest = NULL WHERE digest = '${made.digest}'`);
    await place.vice.sql(
      `INSERT INTO inspections (digest, said_to_be, content_type, facts) VALUES ('${made.digest}', '${contentType}', '${contentType}', '{}')`,
    );
    return made;
  }

  const shown = ({ id }: { id: string }) => place.vice.ask(ImageCalls.getImage, { userId: place.userId, imageId: id });
  const kept = ({ digest }: { digest: Digest }) =>
    place.vice.sql(
      `SELECT v.content_digest AS variant, i.content_digest AS inspection FROM variants v JOIN inspections i ON i.digest = v.digest
        WHERE v.digest = '${digest}' AND v.recipe = 'original'`,
    );
  const inspections = (state = 'queued') =>
    place.vice.sql(`SELECT id, digest FROM jobs WHERE action = 'inspect' AND state = '${state}'`);

  async function lookedFor(): Promise<JobMessage> {
    await until(async () => (await inspections()).length > 0, { what: 'an inspection', timeout: 15_000 });
    const jobs = await inspections();
    expect(jobs).toHaveLength(1);
    return { jobId: String(jobs[0]!.id), attempt: 1 };
  }

  /** Gives what a worker found, and takes the message through to its end. */
  async function inspect(message: JobMessage, found: JsonObject): Promise<InspectBlobPayload> {
    const payload = await place.claim<InspectBlobPayload>(message);
    await place.report(message, { kind: 'succeeded', result: { contentType: payload.contentType, facts: {}, ...found } });
    return payload;
  }

  it('comes of a conversion from disk to disk, which proved it', async () => {
    const disk = await image('disk-vdi');
    await place.download(disk.id, 'disk-raw');
    const message = await place.vice.next('convert', disk.id);
    const payload = await place.claim<{ source: { contentDigest: null; contentType: ContentType }; to: ContentType }>(message);
    expect(payload.source.contentDigest).toBeNull();
    const contentDigest = newContentDigest();
    await place.made(message, { ...payload, source: { ...payload.source, contentDigest } } as never);
    expect(await kept(disk)).toEqual([{ variant: contentDigest, inspection: contentDigest }]);
    expect(await shown(disk)).toMatchObject({ contentDigest, status: 'ready' });
  });

  it('is looked for otherwise, one original at a time, and nothing else of the image changes', async () => {
    const [one, two] = [await image('disk-raw'), await image('disk-qcow2')];
    const before = new Map([one, two].map(({ digest, id }) => [digest, id]));
    const rows = () => place.vice.sql(`SELECT * FROM images ORDER BY id`);
    const were = await rows();
    for (let left = 2; left > 0; left -= 1) {
      const contentDigest = newContentDigest();
      const { digest, size, contentType } = await inspect(await lookedFor(), { contentDigest });
      expect(size).toBe(SIZE);
      expect(contentType).toBe(digest === one.digest ? 'disk-raw' : 'disk-qcow2');
      expect(await kept({ digest })).toEqual([{ variant: contentDigest, inspection: contentDigest }]);
      expect(await shown({ id: before.get(digest)! })).toMatchObject({ contentDigest });
      before.delete(digest);
    }
    expect(before.size).toBe(0);
    expect(await rows()).toEqual(were);
  });

  it('that is none is not looked for again, nor is one that could not be told just now', async () => {
    const container = await image('docker-image');
    await inspect(await lookedFor(), { contentDigest: null });
    expect(await kept(container)).toEqual([{ variant: '', inspection: '' }]);
    const broken = await image('disk-vhd');
    const message = await lookedFor();
    await place.claim(message);
    await place.report(message, { kind: 'failed', code: 'CONTENT_INVALID', message: 'no footer', transient: false });
    expect(await shown(broken)).toMatchObject({ status: 'ready', contentDigest: null });
    const next = await image('disk-raw');
    await inspect(await lookedFor(), { contentDigest: newContentDigest() });
    expect(await kept(broken)).toEqual([{ variant: null, inspection: null }]);
    expect((await kept(next))[0]).toMatchObject({ variant: expect.stringContaining('disk-sha256') });
  });
});
