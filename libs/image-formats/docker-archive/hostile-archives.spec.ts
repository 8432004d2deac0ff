import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  adding,
  buildDockerArchive,
  buildTar,
  editing,
  editingIndex,
  inMemory,
  replacingManifest,
  rewriting,
  rewritingConfig,
  without,
  type DockerArchiveOptions,
  type TarMember,
} from '#libs/testing/images';
import { inspect } from '../inspect.js';

/** What is wrong with the archive, the archive, and a part of the message. */
type Row = [string, Buffer | DockerArchiveOptions, string];

const look = (archive: Buffer | DockerArchiveOptions) =>
  inspect(inMemory(Buffer.isBuffer(archive) ? archive : buildDockerArchive(archive), { chunk: 1000 }), 'docker-image');
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const blobOf = (content: string) => ({
  digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
  size: content.length,
});
const evilDescriptor = { mediaType: OCI_MANIFEST, ...blobOf('evil') };
const layerOf = (...members: TarMember[]) => buildTar(members);

describe('an image archive', () => {
  test.each<Row>([
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
      'the key "config", which programs may take for "Config"',
    ],
    [
      'layers in a spelling with a long s',
      { edit: editing('manifest.json', ([image]) => [{ ...image, 'Layer\u017f': ['evil'] }]) },
      'may take for "Layers"',
    ],
    [
      'names in another spelling alone',
      { edit: editing('manifest.json', ([{ RepoTags, ...image }]) => [{ ...image, 'RepoTag\u017f': RepoTags }]) },
      'may take for "RepoTags"',
    ],
    [
      'digests of layers in another spelling in its config',
      { config: { rootfs: { type: 'layers', diff_ids: [], 'diff_id\u017f': [] } } },
      'may take for "diff_ids"',
    ],
    ['a config with another config in it', { config: { Config: { Cmd: ['evil'] } } }, 'may take for "config"'],
    ['a command in another spelling', { config: { config: { cmd: ['evil'] } } }, 'may take for "Cmd"'],
    [
      'manifests in another spelling in its index',
      { edit: editingIndex((index) => ({ ...index, 'manife\u017fts': [] })) },
      'may take for "manifests"',
    ],
    [
      'annotations in another spelling in its index',
      {
        edit: editingIndex(({ manifests: [image] }) => ({
          manifests: [image, { ...image, annotations: undefined, Annotations: image.annotations }],
        })),
      },
      'may take for "annotations"',
    ],
    [
      'a platform in two spellings in its index',
      { edit: editingIndex((index) => void (index.manifests[0].platform = { os: 'unknown', OS: 'linux' })) },
      'may take for "os"',
    ],
    [
      'a manifest with layers in another spelling',
      { edit: replacingManifest((manifest) => ({ ...manifest, 'layer\u017f': [] })) },
      'may take for "layers"',
    ],
    [
      'a config that has its layers in two parts',
      {
        layout: 'docker-20',
        edit: rewritingConfig((text) => text.replace('"rootfs":', '"rootfs":{"diff_ids":["evil"]},"rootfs":')),
      },
      'the key "rootfs" twice',
    ],
    [
      'names that it takes back',
      { edit: rewriting('manifest.json', (text) => text.replace('"RepoTags":', '"RepoTags":["evil:1"],"RepoTags":')) },
      'the key "RepoTags" twice',
    ],
    [
      'an index that has its manifests in two parts',
      { edit: rewriting('index.json', (text) => text.replace('"manifests":', '"manifests":[{"annotations":{}}],"manifests":')) },
      'the key "manifests" twice',
    ],
    [
      'a config nested 10,000 levels deep',
      {
        layout: 'docker-20',
        edit: rewritingConfig((text) => text.replace('"config":{', `"config":{"X":${'['.repeat(10_000)}${']'.repeat(10_000)},`)),
      },
      'levels deep',
    ],
    [
      'another image behind a digest that no name tells',
      {
        edit: (members) => {
          const evil = JSON.stringify({ mediaType: OCI_MANIFEST, config: evilDescriptor, layers: [] });
          return [
            ...editingIndex((index) => void index.manifests.unshift({ ...evilDescriptor, ...blobOf(evil) }))(members),
            { name: 'elsewhere', content: evil },
          ];
        },
      },
      'name different images',
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

  test.each<Row>([
    ['no manifest.json', { layout: 'docker-20', edit: without('manifest.json') }, 'not an image saved with "docker save"'],
    ['a filesystem instead of an image', buildTar([{ name: 'bin/sh', content: 'x' }]), 'not an image saved with "docker save"'],
    ['gzip data of something else', gzipSync('not a tar'.repeat(100)), 'not a tar archive'],
    [
      'zeros behind its gzip data',
      Buffer.concat([buildDockerArchive({ gzip: true }), Buffer.alloc(5000)]),
      'gzip data is followed',
    ],
    [
      'zeros behind the gzip data of a layer',
      { layers: [Buffer.concat([gzipSync(layerOf()), Buffer.alloc(9000)])] },
      'gzip data is followed',
    ],
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
});
