import { ViceError } from '#libs/errors';
import { type DeployableImage } from '../../environment-provider.js';
import { refusalInWords } from '../errors/server-words.js';
import { type Satellite } from '../satellite.js';
import { pieceBuffers, piecesOf } from './block-hashes.js';
import { BLOCK_BYTES, blockCount, type ByteRange } from './blocks.js';
import { rangeOf, rangeText } from './meta-block.js';
import { Patience } from './patience.js';
import { BrokenLine, TransferLine } from './transfer-line.js';
import { SentBytes } from './sent-bytes.js';
import { uploadStatus, type UploadStatus } from './upload-status.js';

const LINES = 2;
/** How long lines may end without anything having come of them: twice as long as a satellite takes to notice that one is dead. */
const PATIENCE_MS = 30_000;
/** How long a satellite may hash, copy and finish without a sign of progress. */
const STALL_MS = 10 * 60_000;

/** An upload that a satellite knows. */
export interface UploadTicket {
  /** Also the id of the image version that comes of it. */
  token: string;
  port: number;
}

/** How an upload came to its end; `lost`: the satellite has forgotten it, `failed`: it has given it up. */
export type UploadEnd = 'finished' | 'lost' | 'failed';

/** Sends what the satellite asks for, over lines that it may break, until it says that it has everything and has checked it. */
export async function upload(
  satellite: Satellite,
  ticket: UploadTicket,
  image: DeployableImage,
  patienceMs = PATIENCE_MS,
): Promise<UploadEnd> {
  return new Upload(satellite, ticket, image, patienceMs).run();
}

class Upload {
  private readonly sent: SentBytes;
  private readonly lines = new Set<TransferLine>();
  /** Bytes that have gone, also those that go again. */
  private went = 0;
  /** What last kept lines from their work, for a message. */
  private lastBreak: BrokenLine | null = null;

  constructor(
    private readonly satellite: Satellite,
    private readonly ticket: UploadTicket,
    private readonly image: DeployableImage,
    private readonly patienceMs: number,
  ) {
    this.sent = new SentBytes(image);
  }

  async run(): Promise<UploadEnd> {
    const patience = new Patience(this.satellite.signal);
    for (let former = ''; ;) {
      const status = await this.status();
      if (status.state === 'unknown') return 'lost';
      if (status.state === 'error') return 'failed';
      if (status.state === 'finished') break;
      const reached = `${this.went} ${status.fingerprint}`;
      if (reached !== former) patience.renew();
      else this.goOnAfter(patience.inVain(), status);
      if (reached === former || !status.wantsLine) await patience.pause();
      if (status.wantsLine) await this.sendOverLines();
      former = reached;
    }
    this.sent.everything();
    return 'finished';
  }

  private async status(): Promise<UploadStatus> {
    const status = await uploadStatus(this.satellite, this.ticket.token, this.image.size);
    status.complete.forEach((complete, index) => complete && this.sent.block(index));
    return status;
  }

  /** Raises what is wrong where nothing has come of it for so long. */
  private goOnAfter(ms: number, { state, wantsLine, complete }: UploadStatus): void {
    const isItsTurn = !wantsLine || (state === 'working' && complete.every(Boolean));
    if (!isItsTurn && ms > this.patienceMs) throw this.givenUp();
    if (ms > STALL_MS)
      throw new ViceError('ENVIRONMENT_FAILED', `${this.satellite.name} checks what it got, and does not come to an end`);
  }

  /** Opens lines and answers on them until all have ended. Raises faults of the image, never those of a line. */
  private async sendOverLines(): Promise<void> {
    this.lastBreak = null;
    const wanted = Math.min(LINES, Math.max(1, blockCount(this.image.size)));
    const ended = await Promise.allSettled(Array.from({ length: wanted }, () => this.sendOverLine()));
    this.satellite.signal.throwIfAborted();
    const failed = ended.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async sendOverLine(): Promise<void> {
    let line: TransferLine | undefined;
    try {
      line = new TransferLine(await this.satellite.dial(this.ticket.port), this.satellite.signal);
      this.lines.add(line);
      await line.begin('upload', this.ticket.token);
      for (let range = await askedFor(line, this.image.size); range; range = await askedFor(line, this.image.size))
        await this.send(line, range);
    } catch (error) {
      if (error instanceof BrokenLine) this.lastBreak = error;
      else {
        for (const other of this.lines) other.close();
        throw error;
      }
    } finally {
      if (line) this.lines.delete(line);
      line?.close();
    }
  }

  /** One piece is read while the one before it goes. */
  private async send(line: TransferLine, range: ByteRange): Promise<void> {
    await line.say({ RANGE: rangeText(range) });
    let at = range.start;
    let going = Promise.resolve();
    for await (const piece of piecesOf(this.image, range, pieceBuffers(2))) {
      await going;
      going = line.write(piece).then(() => {
        this.went += piece.length;
        this.sent.range(range.start, (at += piece.length));
      });
      going.catch(() => undefined); // it is heard of with the next piece, or at the end
    }
    await going;
  }

  private givenUp(): ViceError {
    const { said = '', message = 'the satellite asks for nothing' } = this.lastBreak ?? {};
    return (
      refusalInWords(said, this.satellite.name) ??
      new ViceError(
        'ENVIRONMENT_UNREACHABLE',
        `the file transfer to ${this.satellite.name} breaks off again and again: ${message}`,
        { cause: this.lastBreak ?? undefined },
      )
    );
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
