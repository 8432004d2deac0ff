import { describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { buildDockerArchive, editing, editingIndex, inMemory, rewriting, type TarMember } from '#libs/testing/images';
import { readArchiveSummary } from './docker-archive.inspector.js';
import { withoutTags } from './without-tags.js';

const LAYOUTS = ['docker-20', 'docker-26', 'containerd'] as const;
const strip = async (archive: Buffer, chunk = 1000) =>
  Buffer.concat(await withoutTags(inMemory(archive, { chunk }).stream()).toArray());

async function members(archive: Buffer): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const reader = extract();
  reader.end(archive);
  for await (const entry of reader)
    found.set(entry.header.name, Buffer.concat(await Readable.from(entry).toArray()).toString('latin1'));
  return found;
}

describe('an image archive without its tags', () => {
  test.each(LAYOUTS)('of the layout %s is the same image, untagged, and everything else the same bytes', async (layout) => {
    const archive = buildDockerArchive({ layout, repoTags: ['small:1', 'other:2'] });
    const stripped = await strip(archive);
    const [before, after] = [
      await readArchiveSummary(Readable.from([archive])),
      await readArchiveSummary(Readable.from([stripped])),
    ];
    expect(after).toEqual({ ...before, repoTags: [] });

    const [were, are] = [await members(archive), await members(stripped)];
    expect(are.has('repositories')).toBe(false);
    expect(JSON.parse(are.get('manifest.json')!)).toEqual([{ ...JSON.parse(were.get('manifest.json')!)[0], RepoTags: null }]);
    expect(are.get('index.json') ?? '').not.toMatch(/small|annotations/);
    for (const [name, content] of are) {
      if (name !== 'manifest.json' && name !== 'index.json') expect(content).toBe(were.get(name));
    }
  });

  test.each(LAYOUTS)('of the layout %s can carry a tag of ours instead', async (layout) => {
    const archive = buildDockerArchive({ layout, repoTags: ['small:1', 'other:2'] });
    const own = { repository: 'ours', tag: 'vice-1' };
    const retagged = Buffer.concat(await withoutTags(inMemory(archive, { chunk: 1000 }).stream(), own).toArray());
    const before = await readArchiveSummary(Readable.from([archive]));
    expect(await readArchiveSummary(Readable.from([retagged]))).toEqual({ ...before, repoTags: ['ours:vice-1'] });
    const index = (await members(retagged)).get('index.json');
    if (index) expect(index).toContain('"io.containerd.image.name":"docker.io/library/ours:vice-1"');
    expect(index ?? '').not.toMatch(/small/);
  });

  test('that had none is the same, byte by byte', async () => {
    const archive = buildDockerArchive({ repoTags: null });
    expect((await strip(archive, 7)).equals(archive)).toBe(true);
  });

  test('comes out plain where it was compressed, and alike in chunks of any size', async () => {
    const archive = buildDockerArchive();
    const expected = await strip(archive);
    for (const chunk of [1, 512, 10_000_000]) {
      expect((await strip(archive, chunk)).equals(expected)).toBe(true);
      expect((await strip(gzipSync(archive), chunk)).equals(expected)).toBe(true);
    }
  });

  test('is found also where it was packed again by hand, and keeps other annotations', async () => {
    const edit = (all: TarMember[]) =>
      all.map(({ name, content, ...rest }) => ({
        ...rest,
        name: `./${name}`,
        content: name === 'index.json' ? String(content).replace('"annotations":{', '"annotations":{"kept":"yes",') : content,
      }));
    const are = await members(await strip(buildDockerArchive({ edit })));
    expect([...are.keys()]).not.toContain('./repositories');
    expect(are.get('./manifest.json')).toContain('"RepoTags":null');
    expect(JSON.parse(are.get('./index.json')!).manifests[0].annotations).toEqual({ kept: 'yes' });
  });

  test.each<[string, (members: TarMember[]) => TarMember[]]>([
    ['manifest.json', editing('manifest.json', ([image]) => [{ ...image, 'RepoTag\u017f': ['debian:latest'] }])],
    ['index.json', editingIndex((index) => ({ ...index, 'manife\u017fts': index.manifests }))],
    [
      'a descriptor',
      editingIndex(({ manifests: [image] }) => ({
        manifests: [{ ...image, annotations: null, Annotations: image.annotations }],
      })),
    ],
    ['the text', rewriting('manifest.json', (text) => text.replace('"RepoTags":', '"RepoTags":["debian:latest"],"RepoTags":'))],
  ])('is not made where a second spelling in %s could carry one', async (_, edit) => {
    await expect(strip(buildDockerArchive({ edit }))).rejects.toMatchObject({ code: 'CONTENT_REFUSED' });
  });

  test('loses from its documents what no engine knows', async () => {
    const edit = (all: TarMember[]) =>
      editing('manifest.json', ([image]) => [{ ...image, Names: ['debian:latest'] }])(
        editingIndex((index) => ({
          ...index,
          manifests: index.manifests.map((image: object) => ({ ...image, name: 'debian' })),
        }))(all),
      );
    expect((await strip(buildDockerArchive({ edit }))).equals(await strip(buildDockerArchive()))).toBe(true);
  });

  test('may hold an entry of any other name', async () => {
    const archive = buildDockerArchive({ repoTags: null, edit: (all) => [...all, { name: 'constructor', content: 'x' }] });
    expect((await strip(archive)).equals(archive)).toBe(true);
  });

  test('ends in an error where the archive does', async () => {
    await expect(strip(buildDockerArchive().subarray(0, 3000))).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
    const broken = new Readable({
      read() {
        this.destroy(new Error('connection lost'));
      },
    });
    await expect(withoutTags(broken).toArray()).rejects.toThrow('connection lost');
  });

  test('lets go of its source when its reader goes, also while the source is silent', async () => {
    const silent = new Readable({ read() {} });
    silent.push(buildDockerArchive().subarray(0, 600));
    const output = withoutTags(silent);
    const closed = new Promise((resolve) => silent.once('close', resolve));
    output.once('data', () => output.destroy());
    await closed;
    expect(silent.destroyed).toBe(true);
  });
});
