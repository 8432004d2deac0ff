import { PassThrough, pipeline, type Readable } from 'node:stream';
import { ExpansionBudget, openArchive } from '../expansion.js';
import { DEFAULT_LIMITS } from '../inspection.js';
import { invalid, quote, refused } from '../refusal.js';
import { BLOCK, fileHeader, type TarHeader } from '../tar/tar.header.js';
import { pathInTree } from '../tar/tar.paths.js';
import { piecesOf } from '../tar/tar.reader.js';
import { decodeText } from '../text.js';
import { labelledDockerfile } from './dockerfile.js';

export interface ContextLabel {
  label: string;
  value: string;
  /** Of the Dockerfile that is added: a file at the root of the context, which the build has to name. */
  dockerfile: string;
}

const IGNORED = '.dockerignore';

interface KeptFile {
  header: TarHeader;
  chunks: Buffer[];
}

/**
 * A build context (tar, plain or gzip) with one more Dockerfile, which labels what is built; comes out as a plain tar, all its own entries as they are.
 * An engine takes a Dockerfile out of the context before COPY where `.dockerignore` names it, so that file is given once more at the end with that line.
 * Errors pass through, and destroying either stream destroys the other.
 */
export function labelledContext(context: Readable, label: ContextLabel): Readable {
  const output = new PassThrough();
  const plain = (source: AsyncIterable<Buffer>) => openArchive(source, new ExpansionBudget(DEFAULT_LIMITS));
  // The callback has nothing to do: pipeline destroys the output with the error.
  pipeline(
    context,
    plain,
    (source: AsyncIterable<Buffer>) => withLabel(source, label),
    output,
    () => undefined,
  );
  return output;
}

async function* withLabel(context: AsyncIterable<Buffer>, label: ContextLabel): AsyncGenerator<Buffer> {
  const kept = new Map<string, KeptFile>();
  let current: KeptFile | undefined;
  let ended = false;
  for await (const piece of piecesOf(context, 'closed')) {
    if (piece.kind === 'entry') {
      const path = pathInTree(piece.header.name, 'the build context');
      current = path === 'Dockerfile' || path === IGNORED ? keep(piece.header, path) : undefined;
      if (current) kept.set(path, current);
    } else if (piece.kind === 'body') current?.chunks.push(Buffer.from(piece.bytes));
    else if (piece.kind === 'end' && !ended) {
      ended = true;
      yield* added(kept, label);
    }
    yield piece.bytes;
  }
}

function keep(header: TarHeader, path: string): KeptFile {
  if (header.type === 'file' && header.size > DEFAULT_LIMITS.maxTextBytes) {
    throw refused(`${quote(path)} in the build context is larger than ${DEFAULT_LIMITS.maxTextBytes} bytes, the limit here`);
  }
  return { header, chunks: [] };
}

function* added(kept: Map<string, KeptFile>, { label, value, dockerfile }: ContextLabel): Generator<Buffer> {
  const original = kept.get('Dockerfile');
  const text = original && decodeText(Buffer.concat(original.chunks));
  if (text === undefined) throw invalid('the build context has no Dockerfile at its root that is text in UTF-8');
  yield* file({ ...original!.header, name: dockerfile }, Buffer.from(labelledDockerfile(text, label, value)));

  const ignored = kept.get(IGNORED);
  if (!ignored) yield* file({ ...original!.header, name: IGNORED }, Buffer.from(`${dockerfile}\n${IGNORED}\n`));
  else if (ignored.header.type === 'file')
    yield* file(ignored.header, Buffer.concat([...ignored.chunks, Buffer.from(`\n${dockerfile}\n`)]));
}

function* file(header: TarHeader, content: Buffer): Generator<Buffer> {
  yield fileHeader({ ...header, size: content.length });
  yield content;
  yield Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
}
