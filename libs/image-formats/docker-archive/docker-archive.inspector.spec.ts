import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import {
  adding,
  buildDockerArchive,
  buildTar,
  editingIndex,
  inMemory,
  type DockerArchiveOptions,
  type TarMember,
} from '#libs/testing/images';
import { inspectFacts } from '../inspect.js';
import { DEFAULT_LIMITS, type InspectionLimits } from '../inspection.js';

const LAYOUTS = ['docker-20', 'docker-26', 'containerd'] as const;
const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
const look = (archive: Buffer | DockerArchiveOptions, limits: Partial<InspectionLimits> = {}, chunk = 1000) =>
  inspectFacts(inMemory(Buffer.isBuffer(archive) ? archive : buildDockerArchive(archive), { chunk }), 'docker-image', {
    ...DEFAULT_LIMITS,
    ...limits,
  });
const layerOf = (...members: TarMember[]) => buildTar(members);

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
      config: { Cmd: ['/bin/sh'] },
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

  test('that says more of itself than we care to keep is refused', async () => {
    const config = { config: { Labels: { long: 'x'.repeat(2 ** 20) } } };
    await expect(look({ config })).rejects.toMatchObject({
      code: 'CONTENT_REFUSED',
      message: expect.stringContaining('what a Docker image archive says of itself'),
    });
    await expect(look({ config }, { maxFactsBytes: 2 ** 21 })).resolves.toBeDefined();
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
