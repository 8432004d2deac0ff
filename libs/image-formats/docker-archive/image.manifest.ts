import { type JsonObject } from '#libs/contracts';
import { isDigest, isObject, isStrings } from '../json.js';
import { invalid, quote, refused } from '../refusal.js';
import { pathInTree } from '../tar/tar.paths.js';
import { type ArchiveContents, type ArchivedFile } from './archive.contents.js';
import { parseDocument, readObject, readOptional } from './documents.js';

/** Engines mount at most 127. */
const MAX_LAYERS = 500;

export interface ArchivedLayer {
  /** SHA-256 of the layer as an uncompressed tar. */
  diffId: string;
  /** SHA-256 of the layer as the archive holds it. */
  digest: string;
  size: number;
  expandedSize: number;
  compression: 'none' | 'gzip';
}

export interface ArchivedImage {
  configDigest: string;
  config: JsonObject;
  repoTags: string[];
  layers: ArchivedLayer[];
}

/** Reads `manifest.json`, and holds its one image's config and layers against the bytes in the archive. */
export function readImage(contents: ArchiveContents): ArchivedImage {
  const manifest = onlyImage(contents);
  const configFile = contents.file(memberPath(manifest.Config, 'Config'));
  if (!configFile)
    throw invalid(`manifest.json names the config ${quote(String(manifest.Config))}, which the archive does not hold`);
  if (!configFile.document) throw invalid('the image config is not a JSON document');
  const config = readObject(parseDocument(configFile.document, 'the image config'), 'imageConfig', 'the image config');
  readOptional(config.config, 'containerConfig', 'config in the image config');
  const rootfs = readObject(config.rootfs, 'rootfs', 'rootfs in the image config');
  const diffIds = rootfs.diff_ids;
  if (rootfs.type !== 'layers' || !Array.isArray(diffIds) || !diffIds.every(isDigest)) {
    throw invalid('the image config does not list its layers as sha256 digests in rootfs.diff_ids');
  }
  for (const key of ['os', 'architecture']) {
    if (typeof config[key] !== 'string' || config[key] === '') throw invalid(`the image config does not say its ${key}`);
  }
  return { configDigest: configFile.digest, config, repoTags: tags(manifest), layers: readLayers(contents, manifest, diffIds) };
}

function onlyImage(contents: ArchiveContents): JsonObject {
  const document = contents.document('manifest.json');
  if (!document) {
    if (contents.has('index.json') || contents.has('oci-layout')) {
      throw refused(
        'the archive is a pure OCI layout, without the manifest.json that Docker Engines read; save the image with "docker save"',
      );
    }
    throw invalid(
      'the archive holds no manifest.json, so it is not an image saved with "docker save" (a container\'s "docker export" is not one)',
    );
  }
  const images = parseDocument(document, 'manifest.json in the archive');
  if (!Array.isArray(images) || images.length === 0) throw invalid('manifest.json in the archive lists no image');
  if (images.length > 1) throw refused(`the archive holds ${images.length} images; save one image per archive`);
  return readObject(images[0], 'savedImage', 'manifest.json in the archive');
}

function readLayers(contents: ArchiveContents, manifest: JsonObject, diffIds: string[]): ArchivedLayer[] {
  const paths = manifest.Layers ?? [];
  if (!Array.isArray(paths)) throw invalid('Layers in manifest.json is not a list');
  if (paths.length !== diffIds.length) {
    throw invalid(`manifest.json lists ${paths.length} layers, but the image config ${diffIds.length}`);
  }
  if (paths.length > MAX_LAYERS) throw refused(`the image has more than ${MAX_LAYERS} layers`);
  return paths.map((path, index) => {
    const where = `layer ${index + 1} of ${paths.length}`;
    const file = contents.file(memberPath(path, 'Layers'));
    if (!file) throw invalid(`manifest.json names ${where} as ${quote(String(path))}, which the archive does not hold`);
    return checkLayer(file, diffIds[index]!, where);
  });
}

function checkLayer(file: ArchivedFile, diffId: string, where: string): ArchivedLayer {
  if (!file.layer) throw invalid(`${where} is neither a tar archive nor gzip; other compressions are not supported`);
  if (file.layer.diffId !== diffId)
    throw invalid(`${where} is not the one that the image config means: its digest is ${file.layer.diffId}, not ${diffId}`);
  if (file.layer.fault) throw file.layer.fault;
  const { expandedSize, compression } = file.layer;
  return { diffId, digest: file.digest, size: file.size, expandedSize, compression };
}

function memberPath(value: unknown, key: string): string {
  if (typeof value !== 'string' || value === '') throw invalid(`${key} in manifest.json does not name an entry of the archive`);
  return pathInTree(value, `${key} in manifest.json`);
}

function tags(manifest: JsonObject): string[] {
  const { RepoTags } = manifest;
  if (RepoTags === null || RepoTags === undefined) return [];
  if (!isStrings(RepoTags)) throw invalid('RepoTags in manifest.json is not a list of names');
  return RepoTags;
}

/** What an engine with the containerd store reads instead of `manifest.json`; undefined where the archive has none. */
export function readIndexDocument(contents: ArchiveContents): JsonObject | undefined {
  const document = contents.document('index.json');
  if (!document) return undefined;
  const index = readObject(parseDocument(document, 'index.json in the archive'), 'ociDocument', 'index.json in the archive');
  if (!Array.isArray(index.manifests) || !index.manifests.every(isObject))
    throw invalid('index.json in the archive lists no manifests');
  return index;
}
