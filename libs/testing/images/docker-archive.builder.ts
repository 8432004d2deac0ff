import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { buildTar, type TarMember, type TarOptions } from './tar.builder.js';

/** As Docker 20.10 saves, as 25 and later do, and as those with the containerd image store do. */
export type DockerArchiveLayout = 'docker-20' | 'docker-26' | 'containerd';

export interface DockerArchiveOptions extends TarOptions {
  layout?: DockerArchiveLayout;
  /** Each a tar archive, uncompressed. */
  layers?: Buffer[];
  repoTags?: string[] | null;
  config?: Record<string, unknown>;
  /** Last touches to the archive's members, in their order. */
  edit?: (members: TarMember[]) => TarMember[];
}

const LAYERS = [
  buildTar([
    { name: 'bin/', flag: '5' },
    { name: 'bin/sh', content: 'not really a shell' },
    { name: 'sh', flag: '2', linkname: '../../bin/sh' },
  ]),
  buildTar([{ name: 'etc/.wh.motd' }, { name: 'greeting', content: 'hello' }]),
];

const hex = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');

/** An archive of `docker save`, deterministic, of two tiny layers by default. It loads into a Docker Engine, but does not run. */
export function buildDockerArchive({
  edit = (members) => members,
  closing,
  gzip,
  ...options
}: DockerArchiveOptions = {}): Buffer {
  return buildTar(edit(imageMembers(options)), { closing, gzip });
}

/** The members of such an archive. */
export function imageMembers({
  layout = 'docker-26',
  layers = LAYERS,
  repoTags = ['small:1'],
  config = {},
}: DockerArchiveOptions = {}): TarMember[] {
  const configDocument = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${hex(layer)}`) },
    ...config,
  });
  return layout === 'docker-20'
    ? legacyMembers(configDocument, layers, repoTags)
    : ociMembers(configDocument, layers, repoTags, layout);
}

function legacyMembers(config: string, layers: Buffer[], repoTags: string[] | null): TarMember[] {
  const folders = layers.map((layer, at) => hex(`${at} ${hex(layer)}`));
  return [
    ...layers.flatMap((layer, at) => [
      { name: `${folders[at]}/`, flag: '5' },
      { name: `${folders[at]}/VERSION`, content: '1.0' },
      { name: `${folders[at]}/json`, content: JSON.stringify({ id: folders[at] }) },
      { name: `${folders[at]}/layer.tar`, content: layer },
    ]),
    { name: `${hex(config)}.json`, content: config },
    {
      name: 'manifest.json',
      content: JSON.stringify([
        { Config: `${hex(config)}.json`, RepoTags: repoTags, Layers: folders.map((folder) => `${folder}/layer.tar`) },
      ]),
    },
    ...repositories(repoTags, folders.at(-1) ?? ''),
  ];
}

function ociMembers(
  config: string,
  layers: Buffer[],
  repoTags: string[] | null,
  layout: 'docker-26' | 'containerd',
): TarMember[] {
  const compressed = layout === 'containerd';
  const blobs = layers.map((layer) => (compressed ? gzipSync(layer) : layer));
  const descriptor = (mediaType: string, blob: Buffer | string) => ({
    mediaType,
    digest: `sha256:${hex(blob)}`,
    size: Buffer.byteLength(blob),
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: blobs.map((blob) => descriptor(`application/vnd.oci.image.layer.v1.tar${compressed ? '+gzip' : ''}`, blob)),
  });
  const annotations = repoTags?.[0] && {
    'io.containerd.image.name': `docker.io/library/${repoTags[0]}`,
    'org.opencontainers.image.ref.name': repoTags[0].split(':')[1],
  };
  const path = (blob: Buffer | string) => `blobs/sha256/${hex(blob)}`;
  return [
    { name: 'blobs/', flag: '5' },
    { name: 'blobs/sha256/', flag: '5' },
    ...[...new Set([config, manifest])].map((blob) => ({ name: path(blob), content: blob })),
    ...blobs
      .filter((blob, at) => blobs.findIndex((other) => other.equals(blob)) === at)
      .map((blob) => ({ name: path(blob), content: blob })),
    {
      name: 'index.json',
      content: JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [
          { ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest), ...(annotations && { annotations }) },
        ],
      }),
    },
    { name: 'manifest.json', content: JSON.stringify([{ Config: path(config), RepoTags: repoTags, Layers: blobs.map(path) }]) },
    { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
    ...(compressed ? [] : repositories(repoTags, hex(layers.at(-1) ?? ''))),
  ];
}

function repositories(repoTags: string[] | null, id: string): TarMember[] {
  const [name, tag] = repoTags?.[0]?.split(':') ?? [];
  return name && tag ? [{ name: 'repositories', content: JSON.stringify({ [name]: { [tag]: id } }) }] : [];
}
