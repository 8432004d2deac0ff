import { Readable } from 'node:stream';

/**
 * A source whose own faults are told apart from those of whoever reads it: streams in a row pass every error on in both directions, so that in the end
 * a broken blob and a vanished engine look alike.
 */
export function notedSource(source: Readable, note: (fault: unknown) => void): Readable {
  return Readable.from(noted(source, note), { objectMode: false });
}

async function* noted(source: Readable, note: (fault: unknown) => void): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await chunks.next().catch((fault: unknown) => {
        note(fault);
        throw fault;
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    source.destroy();
  }
}
