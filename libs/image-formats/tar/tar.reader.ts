import { type TarHeader } from './tar.header.js';
import { TarParser, type TarClosing, type TarPiece } from './tar.parser.js';

export interface TarEntry {
  header: TarHeader;
  /** To be read before the next entry is asked for; what is left is skipped. */
  body: AsyncIterable<Buffer>;
}

/** The entries of a tar archive, one after the other. Throws CONTENT_INVALID, CONTENT_TRUNCATED, and what the source throws. */
export async function* readTar(source: AsyncIterable<Buffer>, closing: TarClosing = 'closed'): AsyncGenerator<TarEntry> {
  const pieces = piecesOf(source, closing);
  try {
    let next = await pieces.next();
    const body = async function* () {
      for (; !next.done && next.value.kind === 'body'; next = await pieces.next()) yield next.value.bytes;
    };
    while (!next.done) {
      if (next.value.kind !== 'entry') {
        next = await pieces.next();
        continue;
      }
      const { header } = next.value;
      next = await pieces.next();
      yield { header, body: { [Symbol.asyncIterator]: body } };
    }
  } finally {
    await pieces.return();
  }
}

export async function* piecesOf(source: AsyncIterable<Buffer>, closing: TarClosing): AsyncGenerator<TarPiece, void> {
  const parser = new TarParser(closing);
  for await (const chunk of source) yield* parser.push(chunk);
  parser.finish();
}
