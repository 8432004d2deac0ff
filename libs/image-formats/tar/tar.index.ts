import { readRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { BLOCK, type TarHeader } from './tar.header.js';
import { TarParser } from './tar.parser.js';

export interface IndexedEntry {
  header: TarHeader;
  /** Where its body begins, in bytes from the start of the archive. */
  bodyAt: number;
}

/** What is where in a plain tar archive, without reading the bodies. Throws CONTENT_INVALID and CONTENT_TRUNCATED. */
export async function* indexTar(bytes: InspectableBytes): AsyncGenerator<IndexedEntry> {
  let parser = new TarParser('open');
  for (let at = 0; at + BLOCK <= bytes.size;) {
    const block = await readRange(bytes, at, BLOCK, 'the tar archive');
    at += BLOCK;
    for (const piece of parser.push(block)) {
      if (piece.kind === 'end') return;
      if (piece.kind !== 'entry') continue;
      const { header } = piece;
      yield { header, bodyAt: at };
      at += Math.ceil(header.size / BLOCK) * BLOCK;
      // A parser waits for the body; one that knows of none goes on behind it.
      parser = new TarParser('open');
    }
  }
}
