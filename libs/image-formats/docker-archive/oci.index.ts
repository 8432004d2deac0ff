import { type Json, type JsonObject } from '#libs/contracts';
import { isDigest, isObject } from '../json.js';
import { invalid, refused } from '../refusal.js';
import { type ArchiveContents, type ArchivedFile } from './archive.contents.js';
import { parseDocument, readObject, readOptional } from './documents.js';
import { readIndexDocument, type ArchivedImage } from './image.manifest.js';

const INDEXES = ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'];
const MANIFESTS = ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'];
const MAX_DESCRIPTORS = 1000;

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: Json;
  annotations?: Json;
}

/**
 * Follows `index.json`, which engines with the containerd store load by, and makes sure that it leads to the very image which `manifest.json` names, and
 * to no other: or one archive would be two images, depending on the engine. Returns the digest of the image's OCI manifest, which is its id on
 * such an engine; undefined where the archive has no index.
 */
export function checkIndex(contents: ArchiveContents, image: ArchivedImage): string | undefined {
  const index = readIndexDocument(contents);
  if (!index) return undefined;
  const found: string[] = [];
  const queue = descriptors(index, 'index.json');
  for (let at = 0; at < queue.length; at++) {
    if (queue.length > MAX_DESCRIPTORS) throw refused('index.json in the archive leads to too many manifests');
    const descriptor = queue[at]!;
    const file = contents.blob(descriptor.digest);
    // Other platforms are listed, but not saved.
    if (!file) continue;
    const document = readTyped(file, descriptor);
    if (INDEXES.includes(descriptor.mediaType)) queue.push(...descriptors(document, descriptor.digest));
    else if (!isAttestation(descriptor)) {
      compareWithImage(document, image, contents);
      found.push(descriptor.digest);
    }
  }
  if (new Set(found).size !== 1) throw invalid('index.json in the archive does not lead to exactly one image');
  return found[0];
}

/** The document behind a descriptor, which must be of the size and kind that the descriptor says, and of no other kind beside it. */
function readTyped(file: ArchivedFile, { mediaType, digest, size }: Descriptor): JsonObject {
  if (!INDEXES.includes(mediaType) && !MANIFESTS.includes(mediaType)) {
    throw refused(`index.json in the archive leads to ${digest}, whose media type is not that of an image`);
  }
  if (file.size !== size || !file.document)
    throw invalid(`${digest} in the archive is not of the size or kind that its descriptor says`);
  const document = readObject(
    parseDocument(file.document, `${digest} in the archive`),
    'ociDocument',
    `${digest} in the archive`,
  );
  const hasManifests = document.manifests !== undefined;
  const hasLayers = document.layers !== undefined || document.config !== undefined;
  if (document.mediaType !== undefined && document.mediaType !== mediaType) {
    throw refused(`${digest} in the archive says that it is of another media type than its descriptor says`);
  }
  if (hasManifests && hasLayers) throw refused(`${digest} in the archive is a manifest and an index at once`);
  if (INDEXES.includes(mediaType) !== hasManifests) throw refused(`${digest} in the archive is not what its media type says`);
  return document;
}

function compareWithImage(manifest: JsonObject, image: ArchivedImage, contents: ArchiveContents): void {
  const config = descriptor(manifest.config, 'the config of an OCI manifest');
  if (config.digest !== image.configDigest) {
    throw refused(
      'index.json and manifest.json in the archive name different images; save one image, for one platform, per archive',
    );
  }
  if (!Array.isArray(manifest.layers)) throw invalid('an OCI manifest in the archive lists no layers');
  const layers = manifest.layers.map((layer) => descriptor(layer, 'a layer of an OCI manifest'));
  const same = layers.length === image.layers.length && layers.every((layer, at) => layer.digest === image.layers[at]!.digest);
  if (!same) throw refused('index.json and manifest.json in the archive name different layers');
  for (const { digest, size } of [config, ...layers]) {
    if (contents.blob(digest)?.size !== size)
      throw invalid(`${digest} in the archive is not of the size that its descriptor says`);
  }
}

/** Provenance that BuildKit adds. No engine runs it: its platform is unknown. */
export const isAttestation = ({ platform, annotations }: { platform?: Json; annotations?: Json }): boolean =>
  isObject(annotations) &&
  annotations['vnd.docker.reference.type'] === 'attestation-manifest' &&
  isObject(platform) &&
  platform.os === 'unknown' &&
  platform.architecture === 'unknown';

function descriptors(index: JsonObject, where: string): Descriptor[] {
  if (!Array.isArray(index.manifests)) throw invalid(`${where} in the archive lists no manifests`);
  return index.manifests.map((value) => descriptor(value, `a manifest in ${where}`));
}

function descriptor(value: Json | undefined, what: string): Descriptor {
  const { mediaType, digest, size, urls, platform, annotations } = readObject(value, 'descriptor', what);
  if (typeof mediaType !== 'string' || !isDigest(digest) || typeof size !== 'number')
    throw invalid(`${what} is no valid OCI descriptor`);
  if (urls !== undefined && urls !== null) throw refused(`${what} is to be fetched from elsewhere`);
  return { mediaType, digest, size, platform: readOptional(platform, 'platform', `the platform of ${what}`), annotations };
}
