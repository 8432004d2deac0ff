import { type DeployableImage } from '../../environment-provider.js';
import { type Satellite } from '../satellite.js';
import { pieceBuffers, piecesOf } from './block-hashes.js';
import { BLOCK_BYTES, blockCount, type ByteRange } from './blocks.js';
import { rangeOf, rangeText } from './meta-block.js';
import { openLine } from './open-line.js';
import { Patience } from './patience.js';
import { type SentBytes } from './sent-bytes.js';
import { BrokenLine, type TransferLine } from './transfer-line.js';
import { type UploadTicket } from './upload.js';

const LINES = 2;

/** What became of a line. */
interface LineEnd {
  isDone: boolean;
  wasHeard: boolean;
  /** Bytes that went over it. */
  carried: number;
}

/** The lines of an upload, over which the satellite asks for what it wants. */
export class UploadLines {
  /** Bytes that have gone, also those that go again. */
  went = 0;
  /** What last kept lines from their work, for a message. */
  lastBreak: BrokenLine | null = null;
  private readonly lines = new Set<TransferLine>();

  constructor(
    private readonly satellite: Satellite,
    private readonly ticket: UploadTicket,
    private readonly image: DeployableImage,
    private readonly sent: SentBytes,
    private readonly patienceMs: number,
  ) {}

  /** Answers over lines until nothing more is asked for, or none is left. Raises faults of the image, never those of a line. */
  async send(): Promise<void> {
    this.lastBreak = null;
    const over = new AbortController();
    const wanted = Math.min(LINES, Math.max(1, blockCount(this.image.size)));
    const ended = await Promise.allSettled(Array.from({ length: wanted }, () => this.keepLine(over)));
    this.satellite.signal.throwIfAborted();
    const failed = ended.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Answers over one line, and when it breaks over another one in its place, as long as others show that there is work. */
  private async keepLine(over: AbortController): Promise<void> {
    const patience = new Patience(AbortSignal.any([this.satellite.signal, over.signal]));
    for (let wasTaken = false; !over.signal.aborted;) {
      const { isDone, wasHeard, carried } = await this.useLine().catch((error: unknown) => {
        over.abort();
        for (const other of this.lines) other.close();
        throw error;
      });
      if (isDone || this.lines.size === 0) return over.abort();
      wasTaken ||= wasHeard;
      if (!wasTaken) return; // the satellite has enough lines: the others do it
      if (carried > 0) patience.renew();
      else if (patience.inVain() > this.patienceMs) return;
      await patience.pause().catch(() => undefined);
    }
  }

  private async useLine(): Promise<LineEnd> {
    let line: TransferLine | undefined;
    let carried = 0;
    let isDone = false;
    try {
      line = await openLine(this.satellite, this.ticket.port, 'upload', this.ticket.token);
      this.lines.add(line);
      for (let range = await askedFor(line, this.image.size); range; range = await askedFor(line, this.image.size))
        await this.answer(line, range, (bytes) => (carried += bytes));
      isDone = true;
    } catch (error) {
      if (!(error instanceof BrokenLine)) throw error;
      this.lastBreak = error;
    } finally {
      if (line) this.lines.delete(line);
      line?.close();
    }
    return { isDone, wasHeard: line?.heard === true, carried };
  }

  /** One piece is read while the one before it goes. */
  private async answer(line: TransferLine, range: ByteRange, onGone: (bytes: number) => void): Promise<void> {
    await line.say({ RANGE: rangeText(range) });
    let at = range.start;
    let going = Promise.resolve();
    for await (const piece of piecesOf(this.image, range, pieceBuffers(2))) {
      await going;
      going = line.write(piece).then(() => {
        onGone(piece.length);
        this.went += piece.length;
        this.sent.range(range.start, (at += piece.length));
      });
      going.catch(() => undefined); // it is heard of with the next piece, or at the end
    }
    await going;
  }
}

/** What the satellite asks for next; null: for nothing more. It may ask for whole blocks, in any order, and again. */
async function askedFor(line: TransferLine, size: number): Promise<ByteRange | null> {
  const meta = await line.readMeta();
  if (meta.has('DONE')) return null;
  const range = rangeOf(meta.get('RANGE') ?? '');
  if (range && range.end <= size && range.start % BLOCK_BYTES === 0) return range;
  throw new BrokenLine(`the satellite asks for bytes that there are not: "${meta.get('RANGE') ?? ''}"`);
}
