import { type Json, type JsonObject } from '#libs/contracts';
import { PassThrough, pipeline, type Readable } from 'node:stream';
import { ExpansionBudget, openArchive } from '../expansion.js';
import { DEFAULT_LIMITS } from '../inspection.js';
import { isObject } from '../json.js';
import { invalid, refused } from '../refusal.js';
import { BLOCK, fileHeader, type TarHeader } from '../tar/tar.header.js';
import { type TarPiece } from '../tar/tar.parser.js';
import { pathInTree } from '../tar/tar.paths.js';
import { piecesOf } from '../tar/tar.reader.js';
import { onlyKnown, parseDocument, readOptional } from './documents.js';
import { isAttestation } from './oci.index.js';

/** The one tag that an archive is given in the place of its own: a repository on Docker Hub's level (`busybox`), and a tag of it. */
export interface OwnTag {
  repository: string;
  tag: string;
}

/** By these an engine with the containerd store names what it loads. */
const FULL_NAME = 'io.containerd.image.name';
const SHORT_NAME = 'org.opencontainers.image.ref.name';

type Rewrite = (document: Json, own: OwnTag | undefined) => Json;

/**
 * What to do with an entry that carries tags: `null` leaves it out, a function rewrites its document. All other entries pass as they are. What engines do
 * not know yet is left out of these documents: it could come to be a name.
 */
const TAGGED: Record<string, null | Rewrite> = {
  repositories: null,
  'manifest.json': retaggedImages,
  // Nothing refers to index.json by its digest, so it may change.
  'index.json': retaggedIndex,
};

function retaggedImages(images: Json, own: OwnTag | undefined): Json {
  if (!Array.isArray(images)) throw invalid('manifest.json in the archive lists no image');
  const RepoTags = own ? [`${own.repository}:${own.tag}`] : null;
  return images.map((image) => ({ ...onlyKnown(image, 'savedImage', 'manifest.json in the archive'), RepoTags }));
}

function retaggedIndex(document: Json, own: OwnTag | undefined): Json {
  const index = onlyKnown(document, 'ociDocument', 'index.json in the archive');
  if (!Array.isArray(index.manifests)) throw invalid('index.json in the archive lists no manifests');
  const manifests = index.manifests.map(untaggedDescriptor);
  const image = manifests.find((manifest) => !isAttestation(manifest));
  if (own && image) {
    const names = { [FULL_NAME]: `docker.io/library/${own.repository}:${own.tag}`, [SHORT_NAME]: own.tag };
    image.annotations = { ...(isObject(image.annotations) ? image.annotations : {}), ...names };
  }
  return { ...index, manifests };
}

function untaggedDescriptor(value: Json): JsonObject {
  const descriptor = onlyKnown(value, 'descriptor', 'a manifest in index.json');
  readOptional(descriptor.platform, 'platform', 'the platform of a manifest in index.json');
  if (!isObject(descriptor.annotations)) return descriptor;
  const kept = Object.entries(descriptor.annotations).filter(([name]) => name !== FULL_NAME && name !== SHORT_NAME);
  if (kept.length > 0) descriptor.annotations = Object.fromEntries(kept);
  else delete descriptor.annotations;
  return descriptor;
}

/** An entry that is rewritten once all of it has come. */
interface HeldEntry {
  header: TarHeader;
  entry: Buffer[];
  body: Buffer[];
  rewrite: Rewrite;
}

/**
 * An archive of `docker save` without the tags it was saved under, so that loading it renames nothing on the engine; else the same bytes (a gzip
 * archive comes out plain). With `own`, it is loaded under that tag. Errors pass through, and destroying either stream destroys the other.
 */
export function withoutTags(archive: Readable, own?: OwnTag): Readable {
  const output = new PassThrough();
  const plain = (source: AsyncIterable<Buffer>) => openArchive(source, new ExpansionBudget(DEFAULT_LIMITS));
  const retagged = (source: AsyncIterable<Buffer>) => retaggedEntries(source, own);
  // The callback has nothing to do: pipeline destroys the output with the error.
  pipeline(archive, plain, retagged, output, () => undefined);
  return output;
}

async function* retaggedEntries(archive: AsyncIterable<Buffer>, own: OwnTag | undefined): AsyncGenerator<Buffer> {
  let held: HeldEntry | null = null;
  let dropping = false;
  for await (const piece of piecesOf(archive, 'closed')) {
    if (piece.kind === 'entry' || piece.kind === 'end') {
      if (held) yield* rewritten(held, own);
      held = null;
      dropping = false;
    }
    const action = piece.kind === 'entry' ? tagged(piece) : undefined;
    if (piece.kind === 'entry' && action) {
      held = { header: piece.header, entry: [piece.bytes], body: [], rewrite: action };
    } else if (held) {
      held.entry.push(piece.bytes);
      if (piece.kind === 'body') held.body.push(piece.bytes);
    } else {
      dropping ||= action === null;
      if (!dropping) yield piece.bytes;
    }
  }
}

function tagged({ header }: Extract<TarPiece, { kind: 'entry' }>) {
  const path = pathInTree(header.name, 'the archive');
  const action = header.type === 'file' && Object.hasOwn(TAGGED, path) ? TAGGED[path] : undefined;
  if (action && header.size > DEFAULT_LIMITS.maxDocumentBytes) throw refused(`${header.name} in the archive is too large`);
  return action;
}

function* rewritten({ header, entry, body, rewrite }: HeldEntry, own: OwnTag | undefined): Generator<Buffer> {
  const document = parseDocument(Buffer.concat(body), `${header.name} in the archive`);
  const after = JSON.stringify(rewrite(document, own));
  if (after === JSON.stringify(document)) {
    yield* entry;
    return;
  }
  const content = Buffer.from(after);
  yield fileHeader({ ...header, size: content.length });
  yield content;
  yield Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
}
