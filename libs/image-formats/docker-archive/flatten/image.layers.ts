import { type JsonObject } from '#libs/contracts';
import { readRange } from '../../byte-range.js';
import { ExpansionBudget, gunzipped, isGzip } from '../../expansion.js';
import { DEFAULT_LIMITS, type InspectableBytes } from '../../inspection.js';
import { invalid, refused } from '../../refusal.js';
import { indexTar } from '../../tar/tar.index.js';
import { hardLinkTarget, pathInTree, symlinkTarget } from '../../tar/tar.paths.js';
import { parseDocument, readObject } from '../documents.js';

/** A file that can be read from any byte on. */
export interface SeekableBytes extends InspectableBytes {
  streamRange(position: number, length: number): AsyncIterable<Buffer>;
}

/** An image archive, of which it is known where everything is. */
export interface OpenedImage {
  /** The image's own document. */
  document: JsonObject;
  /** Base first, each an uncompressed tar as often as it is asked for. */
  layers: (() => AsyncIterable<Buffer>)[];
}

type Place = { at: number; size: number } | { target: string };
const ARCHIVE = 'the archive';

/** Opens a plain archive of `docker save` that has passed inspection: digests are not looked at again. */
export async function openImage(archive: SeekableBytes): Promise<OpenedImage> {
  const places = new Map<string, Place>();
  for await (const { header, bodyAt } of indexTar(archive)) {
    const path = pathInTree(header.name, ARCHIVE);
    if (header.type === 'file') places.set(path, { at: bodyAt, size: header.size });
    else if (header.type === 'link') places.set(path, { target: hardLinkTarget(header, ARCHIVE) });
    else if (header.type === 'symlink') places.set(path, { target: symlinkTarget(header, ARCHIVE) });
  }
  const find = (name: unknown) => {
    let place = places.get(pathInTree(String(name), 'manifest.json'));
    for (let hops = 0; place && 'target' in place && hops < 10; hops++) place = places.get(place.target);
    if (!place || 'target' in place) throw invalid(`manifest.json names ${String(name)}, which the archive does not hold`);
    return place;
  };
  const readJson = async (name: unknown) => {
    const { at, size } = find(name);
    if (size > DEFAULT_LIMITS.maxDocumentBytes) throw refused(`${String(name)} in the archive is too large`);
    return parseDocument(await readRange(archive, at, size, String(name)), String(name));
  };
  const images = await readJson('manifest.json');
  if (!Array.isArray(images) || images.length !== 1) throw invalid('manifest.json in the archive does not list one image');
  const { Config, Layers } = readObject(images[0], 'savedImage', 'manifest.json in the archive');
  if (!Array.isArray(Layers ?? [])) throw invalid('Layers in manifest.json is not a list');
  const document = readObject(await readJson(Config), 'imageConfig', 'the image config');
  const layers = ((Layers ?? []) as unknown[]).map(find).map((place) => () => expanded(archive, place));
  return { document, layers };
}

async function* expanded(archive: SeekableBytes, { at, size }: { at: number; size: number }): AsyncGenerator<Buffer> {
  const layer = archive.streamRange(at, size);
  if (!isGzip(await archive.read(at, 3))) {
    yield* layer;
    return;
  }
  const budget = new ExpansionBudget(DEFAULT_LIMITS);
  yield* gunzipped(budget.meter(layer), budget);
}
