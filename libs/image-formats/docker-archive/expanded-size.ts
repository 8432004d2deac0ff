import { ExpansionBudget, gunzipped, isGzip, openArchive, peek } from '../expansion.js';
import { DEFAULT_LIMITS, type InspectableBytes } from '../inspection.js';
import { streamed } from '../streamed.js';
import { TarParser } from '../tar/tar.parser.js';
import { readTar } from '../tar/tar.reader.js';

const BLOCK = 4096;

export interface ExpandedSize {
  /** The archive as a plain tar, its layers as they are in it. */
  archive: number;
  /** What its layers take as files, in blocks of 4096 bytes: rather more than less, as what later ones replace or delete counts too. */
  files: number;
}

/** Expands an archive of `docker save` that has passed inspection, and keeps nothing of it. Throws as inspection does. */
export const expandedSize = (bytes: InspectableBytes, signal?: AbortSignal): Promise<ExpandedSize> =>
  streamed(bytes, signal, async (stream) => {
    const size = { archive: 0, files: 0 };
    const budget = new ExpansionBudget(DEFAULT_LIMITS);
    const counted = async function* () {
      for await (const chunk of openArchive(stream, budget)) {
        size.archive += chunk.length;
        yield chunk;
      }
    };
    for await (const { body } of readTar(counted())) {
      const { head, all } = await peek(body, 3);
      size.files += await asFiles(isGzip(head) ? gunzipped(all, budget) : all);
    }
    return size;
  });

/** Of what is no layer, its size. */
async function asFiles(layer: AsyncIterable<Buffer>): Promise<number> {
  const parser = new TarParser('open');
  let isTar = true;
  let bytes = 0;
  let blocks = 0;
  for await (const chunk of layer) {
    bytes += chunk.length;
    if (!isTar) continue;
    try {
      for (const piece of parser.push(chunk)) if (piece.kind === 'entry') blocks += 1 + Math.ceil(piece.header.size / BLOCK);
    } catch {
      isTar = false;
    }
  }
  return Math.max(bytes, blocks * BLOCK);
}
