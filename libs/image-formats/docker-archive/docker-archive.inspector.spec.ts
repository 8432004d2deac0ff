import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { buildDockerArchive, buildTar, inMemory, type DockerArchiveOptions, type TarMember } from '#libs/testing/images';
import { inspect } from '../inspect.js';
import { DEFAULT_LIMITS, type InspectionLimits } from '../inspection.js';

const LAYOUTS = ['docker-20', 'docker-26', 'containerd'] as const;
const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
const look = (archive: Buffer | DockerArchiveOptions, limits: Partial<InspectionLimits> = {}, chunk = 1000) =>
  inspect(inMemory(Buffer.isBuffer(archive) ? archive : buildDockerArchive(archive), { chunk }), 'docker-image', {
    ...DEFAULT_LIMITS,
    ...limits,
  });
const layerOf = (...members: TarMember[]) => buildTar(members);

/** A JSON document to be spoiled: anything may be anywhere in it. */
type Document = ReturnType<typeof JSON.parse>;

/** Rewrites one JSON member; what `edit` returns takes the document's place. */
const editing = (name: string, edit: (document: Document) => unknown) => (members: TarMember[]) =>
  members.map((member) => {
    if (member.name !== name) return member;
    const document: unknown = JSON.parse(String(member.content));
    return { ...member, content: JSON.stringify(edit(document) ?? document) };
  });
const editingIndex = (edit: (index: Document) => unknown) => editing('index.json', edit);
const without = (name: string) => (members: TarMember[]) => members.filter((member) => member.name !== name);
const adding =
  (...more: TarMember[]) =>
  (members: TarMember[]) => [...members, ...more];

/** Puts this OCI document in the place of the image's manifest, with a descriptor that fits. */
const replacingManifest = (edit: (manifest: Document) => unknown) => (members: TarMember[]) => {
  const index = JSON.parse(String(members.find(({ name }) => name === 'index.json')?.content));
  const old = `blobs/sha256/${index.manifests[0].digest.slice(7)}`;
  const manifest = JSON.parse(String(members.find(({ name }) => name === old)?.content));
  const content = JSON.stringify(edit(manifest) ?? manifest);
  index.manifests[0] = { ...index.manifests[0], digest: `sha256:${sha256(content)}`, size: content.length };
  return members.map((member) => {
    if (member.name === old) return { name: `blobs/sha256/${sha256(content)}`, content };
    return member.name === 'index.json' ? { ...member, content: JSON.stringify(index) } : member;
  });
};

describe('an image archive', () => {
  test.each(LAYOUTS)('of the layout %s is described', async (layout) => {
    const layers = [layerOf({ name: 'a', content: 'one' }), layerOf({ name: 'a', content: 'two' })];
    const { contentType, facts } = await look({ layout, layers, config: { variant: 'v8', created: '2026-01-01T00:00:00Z' } });
    expect(contentType).toBe('docker-image');
    expect(facts).toEqual({
      configDigest: expect.stringMatching(/^sha256:/),
      ...(layout !== 'docker-20' && { manifestDigest: expect.stringMatching(/^sha256:/) }),
      diffIds: layers.map((layer) => `sha256:${sha256(layer)}`),
      repoTags: ['small:1'],
      os: 'linux',
      architecture: 'amd64',
      variant: 'v8',
      created: '2026-01-01T00:00:00Z',
      layers: 2,
      layerCompression: layout === 'containerd' ? 'gzip' : 'none',
      expandedSize: layers[0]!.length + layers[1]!.length,
      layout: layout === 'docker-20' ? 'legacy' : 'oci',
    });
  });

  test('is the same image in all layouts, compressed or not, in chunks of any size', async () => {
    const digests = new Set<unknown>();
    for (const layout of LAYOUTS) {
      for (const gzip of [false, true]) {
        for (const chunk of [1, 600, 10_000_000]) digests.add((await look({ layout, gzip }, {}, chunk)).facts.configDigest);
      }
    }
    expect(digests.size).toBe(1);
  });

  test.each(LAYOUTS)('of the layout %s may hold one layer twice, no tags, or no layers', async (layout) => {
    const layer = layerOf({ name: 'same' });
    expect((await look({ layout, layers: [layer, layer] })).facts).toMatchObject({ layers: 2 });
    expect((await look({ layout, repoTags: null })).facts).toMatchObject({ repoTags: [] });
    expect((await look({ layout, layers: [] })).facts).toMatchObject({ layers: 0, diffIds: [] });
  });

  test('may link one layer to another within itself, as engines before 25 do', async () => {
    const layer = layerOf({ name: 'same' });
    const edit = (members: TarMember[]) => {
      const [first, second] = members.filter(({ name }) => name.endsWith('/layer.tar')) as [TarMember, TarMember];
      return members.map((member) =>
        member === second ? { name: second.name, flag: '2', linkname: `../${first.name}` } : member,
      );
    };
    expect((await look({ layout: 'docker-20', layers: [layer, layer], edit })).facts).toMatchObject({ layers: 2 });
  });

  test('may have been packed again by hand', async () => {
    const edit = (members: TarMember[]) => [
      { name: './', flag: '5' },
      ...members.map((member) => ({ ...member, name: `./${member.name}` })),
    ];
    await expect(look({ edit })).resolves.toBeDefined();
  });

  test.each(LAYOUTS)('of the layout %s is truncated wherever its end is cut', async (layout) => {
    for (const gzip of [false, true]) {
      const whole = buildDockerArchive({ layout, gzip });
      // Up to one block of closing zeros may be missing.
      for (const cut of gzip ? [1, 8, 9, 100, 600] : [1024, 1025, 1536, 2000, 5000, whole.length - 600]) {
        await expect(look(whole.subarray(0, whole.length - cut))).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
      }
    }
  });

  test.each<[string, Buffer | DockerArchiveOptions, string]>([
    ['a path out of it', { edit: adding({ name: '../evil', content: 'x' }) }, '"../evil"'],
    ['a path out of it through a folder', { edit: adding({ name: 'a/../../evil', content: 'x' }) }, 'leads out of it'],
    ['a symbolic link out of it', { edit: adding({ name: 'a', flag: '2', linkname: '../etc' }) }, 'leads out of it'],
    ['an absolute symbolic link', { edit: adding({ name: 'a', flag: '2', linkname: '/etc/passwd' }) }, 'leads out of it'],
    ['a hard link out of it', { edit: adding({ name: 'a', flag: '1', linkname: '../etc/passwd' }) }, 'leads out of it'],
    [
      'an entry below a link',
      { edit: adding({ name: 'a', flag: '2', linkname: 'blobs' }, { name: 'a/b' }) },
      'below something that is not a folder',
    ],
    ['a device', { edit: adding({ name: 'sda', flag: '4' }) }, 'neither a file'],
    ['a fifo', { edit: adding({ name: 'pipe', flag: '6' }) }, 'neither a file'],
    ['an entry of an unknown type', { edit: adding({ name: 'x', flag: 'Z' }) }, 'neither a file'],
    [
      'a second manifest.json',
      { edit: adding({ name: './manifest.json', content: '[]' }) },
      'two entries of the name "manifest.json"',
    ],
    [
      'manifest.json as a link',
      {
        edit: (members) => [
          ...without('manifest.json')(members),
          { name: 'x', content: '[]' },
          { name: 'manifest.json', flag: '2', linkname: 'x' },
        ],
      },
      'not a plain file',
    ],
    ['two images', { edit: editing('manifest.json', ([image]) => [image, image]) }, 'one image per archive'],
    ['no manifest.json beside its index', { edit: without('manifest.json') }, 'docker save'],
    [
      'a config in two spellings',
      { edit: editing('manifest.json', ([image]) => [{ ...image, config: 'other' }]) },
      'in different spellings',
    ],
    [
      'a layer that writes out of itself',
      { layers: [layerOf({ name: '../../etc/passwd', content: 'x' })] },
      'a layer holds a path',
    ],
    [
      'a layer with a hard link out of itself',
      { layers: [layerOf({ name: 'a', flag: '1', linkname: '../../etc/passwd' })] },
      'a layer holds a link',
    ],
    [
      'a gzip layer that writes out of itself',
      { layout: 'containerd', layers: [layerOf({ name: 'a/../../b' })] },
      'a layer holds a path',
    ],
    ['a layer that deletes its parent', { layers: [layerOf({ name: 'a/.wh...' })] }, 'deletes what it does not name'],
    [
      'an index that is a manifest too',
      { edit: replacingManifest((manifest) => ({ ...manifest, manifests: [] })) },
      'a manifest and an index at once',
    ],
    [
      'a manifest that says it is an index',
      { edit: replacingManifest((manifest) => ({ ...manifest, mediaType: 'application/vnd.oci.image.index.v1+json' })) },
      'another media type',
    ],
    [
      'a manifest sent as an index',
      {
        edit: (members) =>
          editingIndex((index) => void (index.manifests[0].mediaType = 'application/vnd.oci.image.index.v1+json'))(
            replacingManifest((manifest) => void delete manifest.mediaType)(members),
          ),
      },
      'not what its media type says',
    ],
    [
      'a manifest of an unknown kind',
      { edit: editingIndex((index) => void (index.manifests[0].mediaType = 'text/html')) },
      'not that of an image',
    ],
    [
      'another image in its index',
      { edit: replacingManifest((manifest) => void (manifest.config = manifest.layers[0])) },
      'name different images',
    ],
    [
      'other layers in its index',
      { edit: replacingManifest((manifest) => void manifest.layers.reverse()) },
      'name different layers',
    ],
    [
      'layers to be fetched from elsewhere',
      { edit: replacingManifest((manifest) => void (manifest.layers[0].urls = ['http://10.0.0.1/'])) },
      'from elsewhere',
    ],
    [
      '10,000 entries too many',
      { edit: adding(...Array.from({ length: 10_001 }, (_, at) => ({ name: `f${at}` }))) },
      'more than 10000 entries',
    ],
  ])('with %s is refused', async (_, archive, message) => {
    await expect(look(archive)).rejects.toMatchObject({ code: 'CONTENT_REFUSED', message: expect.stringContaining(message) });
  });

  test.each<[string, Buffer | DockerArchiveOptions, string]>([
    ['no manifest.json', { layout: 'docker-20', edit: without('manifest.json') }, 'not an image saved with "docker save"'],
    ['a filesystem instead of an image', buildTar([{ name: 'bin/sh', content: 'x' }]), 'not an image saved with "docker save"'],
    ['gzip data of something else', gzipSync('not a tar'.repeat(100)), 'not a tar archive'],
    ['damaged gzip data', buildDockerArchive({ gzip: true }).fill(0x55, 200, 260), 'gzip data is damaged'],
    [
      'a manifest.json that is no JSON',
      { edit: (members) => members.map((member) => (member.name === 'manifest.json' ? { ...member, content: '[{' } : member)) },
      'not valid JSON',
    ],
    ['a manifest.json that is an object', { edit: editing('manifest.json', ([image]) => image) }, 'lists no image'],
    ['a manifest.json of numbers', { edit: editing('manifest.json', () => [1]) }, 'not a JSON object'],
    [
      'a missing config',
      { edit: editing('manifest.json', ([image]) => void (image.Config = 'missing.json')) },
      'which the archive does not hold',
    ],
    [
      'a config that is no name',
      { edit: editing('manifest.json', ([image]) => void (image.Config = 7)) },
      'does not name an entry',
    ],
    ['a missing layer', { edit: editing('manifest.json', ([image]) => void (image.Layers[1] = 'missing')) }, 'layer 2 of 2'],
    [
      'too few layers',
      { edit: editing('manifest.json', ([image]) => void image.Layers.pop()) },
      'lists 1 layers, but the image config 2',
    ],
    [
      'layers in another order',
      { edit: editing('manifest.json', ([image]) => void image.Layers.reverse()) },
      'not the one that the image config means',
    ],
    ['a layer that is no tar', { layers: [Buffer.from('#!/bin/sh')] }, 'neither a tar archive nor gzip'],
    [
      'a damaged layer',
      {
        edit: (members) =>
          members.map((member) =>
            Buffer.isBuffer(member.content) ? { ...member, content: Buffer.concat([member.content, Buffer.alloc(512)]) } : member,
          ),
      },
      'does not have the digest that its name says',
    ],
    [
      'a damaged layer in the old layout',
      {
        layout: 'docker-20',
        edit: (members) =>
          members.map((member) =>
            Buffer.isBuffer(member.content) ? { ...member, content: Buffer.concat([member.content, Buffer.alloc(512)]) } : member,
          ),
      },
      'layer 1 of 2 is not the one',
    ],
    ['a config without layers', { config: { rootfs: { type: 'layers' } } }, 'rootfs.diff_ids'],
    ['a config without an architecture', { config: { architecture: undefined } }, 'does not say its architecture'],
    [
      'a config whose digests are paths',
      { config: { rootfs: { type: 'layers', diff_ids: ['../../x', 'y'] } } },
      'rootfs.diff_ids',
    ],
    ['tags that are no names', { edit: editing('manifest.json', ([image]) => void (image.RepoTags = [{}])) }, 'RepoTags'],
    ['an index that leads nowhere', { edit: editingIndex((index) => void (index.manifests = [])) }, 'exactly one image'],
    ['an index whose size is wrong', { edit: editingIndex((index) => void index.manifests[0].size++) }, 'not of the size'],
    [
      'an index whose digest is a path',
      { edit: editingIndex((index) => void (index.manifests[0].digest = 'sha256:../../x')) },
      'no valid OCI descriptor',
    ],
    ['other data behind it', Buffer.concat([buildDockerArchive(), Buffer.from('QFI\xfb')]), 'followed by other data'],
  ])('with %s is invalid', async (_, archive, message) => {
    await expect(look(archive)).rejects.toMatchObject({ code: 'CONTENT_INVALID', message: expect.stringContaining(message) });
  });

  test('with a layer that is cut is truncated', async () => {
    const layers = [layerOf({ name: 'a', content: 'x'.repeat(5000) }).subarray(0, 2000)];
    await expect(look({ layers })).rejects.toMatchObject({ code: 'CONTENT_TRUNCATED' });
  });

  test.each<[string, DockerArchiveOptions]>([
    ['one layer', { layout: 'containerd', layers: [layerOf({ name: 'zeros', content: Buffer.alloc(2 ** 20) })] }],
    [
      'many layers',
      {
        layout: 'containerd',
        layers: Array.from({ length: 20 }, (_, at) => layerOf({ name: `zeros-${at}`, content: Buffer.alloc(2 ** 16) })),
      },
    ],
    ['the archive itself', { gzip: true, layers: [layerOf({ name: 'zeros', content: Buffer.alloc(2 ** 20) })] }],
  ])('that is a decompression bomb by %s is refused', async (_, archive) => {
    const bound = { freeExpansionBytes: 2 ** 18, maxExpansionRatio: 20 };
    await expect(look(archive, bound)).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: expect.stringContaining('20 times its size'),
    });
    await expect(look(archive, { maxExpandedBytes: 2 ** 19 })).rejects.toMatchObject({
      message: expect.stringContaining('the limit here'),
    });
    await expect(look(archive)).resolves.toBeDefined();
  });

  test('with more JSON than we care to keep is refused', async () => {
    const edit = adding(
      ...Array.from({ length: 10 }, (_, at) => ({ name: `${at}.json`, content: `{"x":"${'x'.repeat(9_000)}"}` })),
    );
    await expect(look({ edit }, { maxDocumentBytes: 10_000 })).rejects.toMatchObject({
      message: expect.stringContaining('too many JSON documents'),
    });
  });

  test('may carry provenance for a platform that is none, and list platforms that it does not hold', async () => {
    const edit = (members: TarMember[]) => {
      const attestation = JSON.stringify({ mediaType: 'application/vnd.oci.image.manifest.v1+json', config: {}, layers: [] });
      const image = members.find(({ name }) => name === 'index.json')!;
      const { manifests } = JSON.parse(String(image.content));
      const mediaType = 'application/vnd.oci.image.manifest.v1+json';
      const inner = JSON.stringify({
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [
          manifests[0],
          { mediaType, digest: `sha256:${'0'.repeat(64)}`, size: 1, platform: { os: 'linux', architecture: 'arm64' } },
          {
            mediaType,
            digest: `sha256:${sha256(attestation)}`,
            size: attestation.length,
            platform: { os: 'unknown', architecture: 'unknown' },
            annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
          },
        ],
      });
      return [
        ...editingIndex(
          (index) =>
            void (index.manifests = [
              { mediaType: 'application/vnd.oci.image.index.v1+json', digest: `sha256:${sha256(inner)}`, size: inner.length },
            ]),
        )(members),
        { name: `blobs/sha256/${sha256(inner)}`, content: inner },
        { name: `blobs/sha256/${sha256(attestation)}`, content: attestation },
      ];
    };
    expect((await look({ edit })).facts).toMatchObject({ layout: 'oci' });
  });
});
