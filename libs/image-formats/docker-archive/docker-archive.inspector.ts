import { type JsonObject } from '#libs/contracts';
import { isGzip } from '../expansion.js';
import { isObject } from '../json.js';
import { DEFAULT_LIMITS, type FormatInspector, type InspectionLimits } from '../inspection.js';
import { BLOCK, isTarHeader } from '../tar/tar.header.js';
import { streamed } from '../streamed.js';
import { ArchiveContents } from './archive.contents.js';
import { readImage } from './image.manifest.js';
import { checkIndex } from './oci.index.js';

/** What an image archive holds, every digest of it verified. */
export type ArchiveSummary = {
  /** The image's id on engines with the classic store: the digest of its config. */
  configDigest: string;
  /** The image's id on engines with the containerd store, where the archive tells it. */
  manifestDigest?: string;
  /** SHA-256 of each layer as an uncompressed tar, base first. */
  diffIds: string[];
  repoTags: string[];
  os: string;
  architecture: string;
  variant?: string;
  created?: string;
  /** What its containers run, and how: `Cmd`, `Env`, `Labels` and so on. */
  config: JsonObject;
  layers: number;
  /** `none` also where there are no layers. */
  layerCompression: 'none' | 'gzip' | 'mixed';
  /** All layers together, uncompressed, in bytes. */
  expandedSize: number;
  /** `legacy`: a folder per layer, as Docker 20.10 saves. `oci`: `index.json` and `blobs/`, as 25 and later do. */
  layout: 'legacy' | 'oci';
};

/**
 * Reads an archive of `docker save` (plain or gzip) from start to end in bounded memory, and holds every digest in it against the bytes.
 * Throws CONTENT_INVALID, CONTENT_TRUNCATED, CONTENT_REFUSED; errors of the source pass unchanged.
 */
export async function readArchiveSummary(
  archive: AsyncIterable<Buffer>,
  limits: InspectionLimits = DEFAULT_LIMITS,
): Promise<ArchiveSummary> {
  const contents = await ArchiveContents.read(archive, limits);
  const image = readImage(contents);
  const manifestDigest = checkIndex(contents, image);
  const compressions = new Set(image.layers.map((layer) => layer.compression));
  const optional = (key: string) => (typeof image.config[key] === 'string' ? { [key]: image.config[key] } : {});
  return {
    configDigest: image.configDigest,
    ...(manifestDigest && { manifestDigest }),
    diffIds: image.layers.map((layer) => layer.diffId),
    repoTags: image.repoTags,
    os: String(image.config.os),
    architecture: String(image.config.architecture),
    ...optional('variant'),
    ...optional('created'),
    config: isObject(image.config.config) ? image.config.config : {},
    layers: image.layers.length,
    layerCompression: compressions.size > 1 ? 'mixed' : compressions.has('gzip') ? 'gzip' : 'none',
    expandedSize: image.layers.reduce((sum, layer) => sum + layer.expandedSize, 0),
    layout: manifestDigest ? 'oci' : 'legacy',
  };
}

/** Facts: those of `ArchiveSummary`. */
export const dockerArchive: FormatInspector = {
  label: 'a Docker image archive',
  canBe: (head) => isGzip(head) || isTarHeader(head.subarray(0, BLOCK)),
  inspect: async (bytes, limits, signal) =>
    (await streamed(bytes, signal, (archive) => readArchiveSummary(archive, limits))) satisfies JsonObject,
};
