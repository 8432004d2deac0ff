import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { EnvironmentCalls, IMAGE_SORTS, ImageCalls, type ImageDraft, type ImageQuery } from '#libs/contracts';
import { describeWith, postgres } from '#libs/testing';
import { runRegistry, type RunningRegistry } from '../../test/running-registry.js';

await describeWith([postgres()], 'the list of images', () => {
  let vice: RunningRegistry;
  let user: string;
  let stranger: string;

  beforeAll(async () => {
    vice = await runRegistry();
    user = await vice.newUser();
    stranger = await vice.newUser();
  });
  afterAll(async () => vice[Symbol.asyncDispose]());

  const create = async (title: string, image: ImageDraft = {}, userId = user) =>
    vice.ask(ImageCalls.createImage, { userId, image: { title, ...image } });
  const find = (query: Partial<ImageQuery> = {}, userId: string | null = user) =>
    vice.ask(ImageCalls.findImages, { userId, query: { limit: 100, sort: 'createdAt', ...query } });
  const titles = async (query: Partial<ImageQuery> = {}, userId: string | null = user) =>
    (await find(query, userId)).images.map(({ title }) => title);

  /** Every page, by following the cursors. */
  async function walk(query: Partial<ImageQuery>, userId: string | null = user): Promise<string[]> {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await find({ ...query, cursor }, userId);
      expect(page.images.length).toBeLessThanOrEqual(query.limit ?? 100);
      ids.push(...page.images.map(({ id }) => id));
      cursor = page.next ?? undefined;
    } while (cursor);
    return ids;
  }

  test('holds one’s own and public images; for anyone, the public ones', async () => {
    await create('own private');
    await create('own public', { visibility: 'public' });
    await create('foreign private', {}, stranger);
    await create('foreign public', { visibility: 'public' }, stranger);
    expect(await titles()).toEqual(['own private', 'own public', 'foreign public']);
    expect(await titles({}, stranger)).toEqual(['own public', 'foreign private', 'foreign public']);
    expect(await titles({}, null)).toEqual(['own public', 'foreign public']);
    expect((await find({}, null)).total).toBe(2);
  });

  test('shows origins to their owner alone', async () => {
    const id = randomUUID();
    const managementlayer = { software: 'docker' };
    await vice.ask(EnvironmentCalls.createEnvironment, { userId: user, environment: { id, managementlayer } });
    await create('with origin', { visibility: 'public', originEnvironment: { known: id } });
    const originFor = async (viewer: string | null) => (await find({ q: 'with origin' }, viewer)).images[0]?.originEnvironment;
    expect(await originFor(user)).toMatchObject({ id, userid: user, credentials: { location: null } });
    for (const viewer of [stranger, null])
      expect(await originFor(viewer)).toEqual({
        managementlayer: { type: null, software: 'docker', version: null },
        runtimetechnology: null,
      });
  });

  describe('is searched', () => {
    beforeAll(async () => {
      await create('Ubuntu 22.04 server', {
        description: 'For the lab of Grace',
        tags: ['linux', 'lts'],
        contenttype: 'disk-raw',
      });
      await create('my-image_v2.qcow2', { tags: ['Straße'], contenttype: 'disk-qcow2', imagetype: 'implicit' });
      await create('registry.example.org/tools:latest', { tags: ['linux'], imagetype: 'declarative' });
    });
    const [ubuntu, disk, tools] = ['Ubuntu 22.04 server', 'my-image_v2.qcow2', 'registry.example.org/tools:latest'];

    test.each<[Partial<ImageQuery>, (string | undefined)[]]>([
      [{ q: 'ubuntu' }, [ubuntu]],
      [{ q: 'UBU' }, [ubuntu]],
      [{ q: 'server ubuntu' }, [ubuntu]],
      [{ q: '22.04' }, [ubuntu]],
      [{ q: 'grace' }, [ubuntu]],
      [{ q: 'ubuntu nothing' }, []],
      [{ q: 'my-image' }, [disk]],
      [{ q: 'image' }, [disk]],
      [{ q: 'qcow2' }, [disk]],
      [{ q: 'straß' }, [disk]],
      [{ q: 'example.org' }, [tools]],
      [{ q: 'tools:latest' }, [tools]],
      [{ q: 'linux' }, [ubuntu, tools]],
      [{ q: `'; DROP TABLE images; --` }, []],
      [{ q: 'linux', contenttype: 'disk-raw' }, [ubuntu]],
      [{ tag: 'linux' }, [ubuntu, tools]],
      [{ tag: 'lin' }, []],
      [{ tag: 'linux', imagetype: 'declarative' }, [tools]],
      [{ contenttype: 'disk-qcow2' }, [disk]],
      [{ imagetype: 'implicit' }, [disk]],
    ])('by %j', async (query, expected) => {
      expect(await titles(query)).toEqual(expected);
      expect((await find(query)).total).toBe(expected.length);
    });

    test('by words without a word in them, which asks for nothing', async () => {
      expect((await find({ q: ' --- ' })).total).toBe((await find()).total);
    });

    test('for others by what is public', async () => {
      expect(await titles({ q: 'linux' }, stranger)).toEqual([]);
    });

    test('by what it holds now', async () => {
      const { id } = await create('formerly');
      await vice.ask(ImageCalls.updateImage, { userId: user, imageId: id, image: { title: 'nowadays' } });
      expect([await titles({ q: 'formerly' }), await titles({ q: 'nowadays' })]).toEqual([[], ['nowadays']]);
    });

    test('not by a tag that cannot be', async () => {
      await expect(find({ tag: 'a\0b' })).rejects.toMatchObject({ code: 'INVALID_QUERY', fields: [{ field: 'tag' }] });
    });
  });

  describe('is sorted and paged', () => {
    let owner: string;
    beforeAll(async () => {
      owner = await vice.newUser();
      // Many of one title, one size and one instant, own and foreign, public and private, some with neither title nor size.
      await vice.sql(`INSERT INTO images (id, user_id, title, size, visibility, created_at, updated_at)
        SELECT gen_random_uuid(), CASE WHEN n % 3 = 0 THEN '${stranger}'::uuid ELSE '${owner}'::uuid END,
               CASE WHEN n % 7 = 0 THEN NULL ELSE (ARRAY['Beta', 'alpha', 'gamma', 'Ärger'])[1 + n % 4] END,
               CASE WHEN n % 5 = 0 THEN NULL ELSE n % 4 END,
               CASE WHEN n % 2 = 0 THEN 'public' ELSE 'private' END,
               timestamp '2020-01-01' + (n % 6) * interval '1.001 seconds', timestamp '2020-01-01' + (n % 5) * interval '1 day'
          FROM generate_series(1, 120) n`);
    });

    test.each(IMAGE_SORTS)('by %s, each image once whatever the ties', async (sort) => {
      const whole = (await find({ sort, limit: 1000 }, owner)).images.map(({ id }) => id);
      expect(new Set(whole).size).toBe(whole.length);
      expect(await walk({ sort, limit: 7 }, owner)).toEqual(whole);
      expect(
        await walk(
          { sort: sort.startsWith('-') ? (sort.slice(1) as typeof sort) : (`-${sort}` as typeof sort), limit: 50 },
          owner,
        ),
      ).toEqual(whole.toReversed());
    });

    test('by title without regard to case, and what has none counts as the least', async () => {
      const { images } = await find({ sort: 'title', limit: 1000 }, owner);
      const keys = images.map(({ title }) => title?.toLowerCase() ?? '');
      expect(keys[0]).toBe('');
      expect(keys.indexOf('alpha')).toBeLessThan(keys.indexOf('beta'));
      expect(keys.indexOf('beta')).toBeLessThan(keys.indexOf('gamma'));
    });

    test('by size, and what has no content counts as the least', async () => {
      const sizes = (await find({ sort: '-size', limit: 1000 }, owner)).images.map(({ size }) => size ?? -1);
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
      expect(sizes.at(-1)).toBe(-1);
    });

    test('and stays what it was for who walks it while images come and go', async () => {
      const before = await walk({ sort: '-createdAt', limit: 10 }, owner);
      const first = await find({ sort: '-createdAt', limit: 10 }, owner);
      await create('newer', {}, owner);
      await vice.sql(`DELETE FROM images WHERE id = '${first.images.at(-1)!.id}'`);
      const rest: string[] = [];
      for (let cursor = first.next; cursor;) {
        const page = await find({ sort: '-createdAt', limit: 10, cursor }, owner);
        rest.push(...page.images.map(({ id }) => id));
        cursor = page.next;
      }
      expect([...first.images.map(({ id }) => id), ...rest]).toEqual(before);
    });

    test('without a next page after the last', async () => {
      const { total } = await find({}, owner);
      expect((await find({ limit: total }, owner)).next).toBeNull();
      expect((await find({ limit: total - 1 }, owner)).next).not.toBeNull();
    });

    test('from a cursor of its own order alone', async () => {
      const { next } = await find({ sort: 'title', limit: 1 }, owner);
      const wrong = { code: 'INVALID_QUERY', fields: [{ field: 'cursor', message: expect.any(String) }] };
      await expect(find({ sort: 'size', cursor: next! }, owner)).rejects.toMatchObject(wrong);
      await expect(find({ cursor: 'x' }, owner)).rejects.toMatchObject(wrong);
    });
  });

  test('is counted exactly to 1,000, and estimated above', async () => {
    const owner = await vice.newUser();
    const add = (images: number) =>
      vice.sql(
        `INSERT INTO images (id, user_id, title) SELECT gen_random_uuid(), '${owner}', 'mass' FROM generate_series(1, ${images})`,
      );
    const { total: publicOnes } = await find({}, null);
    await add(1000 - publicOnes);
    expect(await find({ limit: 1 }, owner)).toMatchObject({ total: 1000 });
    await add(1);
    expect((await find({ limit: 1 }, owner)).total).toBeGreaterThanOrEqual(1001);
    await add(4000);
    await vice.sql('ANALYZE images');
    const estimate = (await find({ limit: 1, q: 'mass' }, owner)).total;
    expect(estimate).toBeGreaterThan(1000);
    expect(estimate).toBeLessThan(10_000);
  });
});
