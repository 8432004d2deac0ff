import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type InspectionLimits } from './inspection.js';
import { invalid, refused, truncated } from './refusal.js';

/** What an archive may still expand to, all its layers together: a bomb of many small layers is one too. */
export class ExpansionBudget {
  private compressed = 0;
  private expanded = 0;

  constructor(private readonly limits: InspectionLimits) {}

  /** The archive as it came: what it expands to is measured against the bytes read of it. */
  async *meter(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of archive) {
      this.compressed += chunk.length;
      yield chunk;
    }
  }

  /** Throws CONTENT_REFUSED when it is spent. */
  giveOut(bytes: number): void {
    this.expanded += bytes;
    refuseBomb('the archive', this.expanded, this.compressed, this.limits);
  }
}

/** Throws CONTENT_REFUSED where so many compressed bytes come to more than they may. */
export function refuseBomb(what: string, expanded: number, compressed: number, limits: InspectionLimits): void {
  const { maxExpandedBytes, maxExpansionRatio, freeExpansionBytes } = limits;
  if (expanded > maxExpandedBytes) throw refused(`${what} expands to more than ${maxExpandedBytes} bytes, the limit here`);
  if (expanded > freeExpansionBytes + maxExpansionRatio * compressed)
    throw refused(`${what} expands to more than ${maxExpansionRatio} times its size, as decompression bombs do`);
}

export const isGzip = (head: Buffer): boolean => head[0] === 0x1f && head[1] === 0x8b && head[2] === 8;

/** Throws CONTENT_TRUNCATED or CONTENT_INVALID for damaged gzip data, CONTENT_REFUSED when the budget is spent; errors of the source pass unchanged. */
export async function* gunzipped(source: AsyncIterable<Buffer>, budget: ExpansionBudget): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 2 ** 20 });
  let given = 0;
  const counted = async function* () {
    for await (const chunk of source) {
      given += chunk.length;
      yield chunk;
    }
  };
  // Every error reaches the loop below, because pipeline destroys gunzip with it.
  pipeline(counted, gunzip, () => undefined);
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      budget.giveOut(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw gzipFault(error) ?? error;
  }
  // Node ignores zeros behind gzip data; Go, and so an engine, refuses them.
  if (gunzip.bytesWritten !== given) throw invalid('the gzip data is followed by other data');
}

/** The archive itself, or what it expands to where it is gzip. */
export async function* openArchive(archive: AsyncIterable<Buffer>, budget: ExpansionBudget): AsyncGenerator<Buffer> {
  const { head, all } = await peek(budget.meter(archive), 3);
  yield* isGzip(head) ? gunzipped(all, budget) : all;
}

/** Looks at the first `length` bytes (fewer only where there are no more). `all` gives every byte, these too, and can be read once. */
export async function peek(
  source: AsyncIterable<Buffer>,
  length: number,
): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < length) {
    const { value, done } = await iterator.next();
    if (done) break;
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  const all = async function* () {
    try {
      if (head.length > 0) yield head;
      for (;;) {
        const { value, done } = await iterator.next();
        if (done) return;
        yield value;
      }
    } finally {
      await iterator.return?.();
    }
  };
  return { head, all: all() };
}

function gzipFault(error: unknown) {
  const { code } = error as { code?: unknown };
  if (code === 'Z_BUF_ERROR') return truncated('the gzip data ends in the middle', error);
  if (code === 'Z_DATA_ERROR' || code === 'Z_STREAM_ERROR' || code === 'Z_NEED_DICT')
    return invalid('the gzip data is damaged', error);
  return undefined;
}
