import { pipeline, Transform, type Readable, type TransformCallback } from 'node:stream';
import { ViceError } from '#libs/errors';
import { failureIn } from './stream-messages.js';

const STALL_MS = 30_000;
/** A tar archive ends in two blocks of zeros. */
const END = Buffer.alloc(1024);
const TAIL_BYTES = 8192;

/**
 * The archive that an engine sends, which fails where an engine's answer does not: when no bytes come for 30 seconds, and when the engine
 * says at the end of its 200 answer that it failed, or just stops.
 */
export function archiveStream(answer: Readable, translate: (error: unknown) => ViceError, stallMs = STALL_MS): Readable {
  const archive = new ArchiveWatch(stallMs);
  // Not by pipeline's own destruction: the reader is to see what an error means.
  answer.once('error', (error) => archive.destroy(translate(error)));
  pipeline(answer, archive, (error) => error && archive.destroy(translate(error)));
  return archive;
}

class ArchiveWatch extends Transform {
  private tail: Buffer = Buffer.alloc(0);
  private readonly clock: NodeJS.Timeout;
  private heard = false;
  private silentMs = 0;

  constructor(private readonly stallMs: number) {
    super({ highWaterMark: 2 ** 18 });
    const tick = Math.ceil(stallMs / 10);
    this.clock = setInterval(() => this.look(tick), tick).unref();
  }

  override _transform(chunk: Buffer, _encoding: string, done: TransformCallback): void {
    this.heard = true;
    this.silentMs = 0;
    this.tail =
      chunk.length >= TAIL_BYTES ? chunk.subarray(-TAIL_BYTES) : Buffer.concat([this.tail, chunk]).subarray(-TAIL_BYTES);
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    done(this.tail.subarray(-END.length).equals(END) ? null : unfinished(this.tail));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.clock);
    done(error);
  }

  /** The first bytes may take long, because the engine packs the image before; and what we don't take, it cannot send. */
  private look(tick: number): void {
    const waiting = this.heard && this.readableLength < this.readableHighWaterMark && !this.writableEnded;
    this.silentMs = waiting ? this.silentMs + tick : 0;
    if (this.silentMs >= this.stallMs) this.destroy(silent(this.stallMs));
  }
}

function silent(stallMs: number): ViceError {
  return new ViceError('ENVIRONMENT_UNREACHABLE', `the engine sent nothing of the image for ${stallMs / 1000} s`);
}

function unfinished(tail: Buffer): ViceError {
  const text = tail.toString('utf8');
  const failure = failureAtTheEnd(text.slice(text.lastIndexOf('\0') + 1));
  if (failure !== null) return new ViceError('ENVIRONMENT_FAILED', `the engine failed while it sent the image: ${failure}`);
  return new ViceError('ENVIRONMENT_UNREACHABLE', 'the engine broke off in the middle of the image');
}

function failureAtTheEnd(text: string): string | null {
  const start = text.search(/\{"(errorDetail|error|message)":/);
  try {
    return start < 0 ? null : failureIn(JSON.parse(text.slice(start)));
  } catch {
    return null;
  }
}
