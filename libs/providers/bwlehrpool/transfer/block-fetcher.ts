import { ViceError } from '#libs/errors';
import { refusalInWords } from '../errors/server-words.js';
import { type Satellite } from '../satellite.js';
import { type BlockQueue } from './block-queue.js';
import { type DownloadBlock } from './download-block.js';
import { type DownloadTickets } from './download-tickets.js';
import { rangeText } from './meta-block.js';
import { Patience } from './patience.js';
import { BrokenLine, type TransferLine } from './transfer-line.js';

/** How often in a row a line may break without having brought anything. */
const FRUITLESS_LINES = 5;
/** How often one block may arrive damaged. */
const BAD_BLOCKS = 3;

/** Fetches blocks of one version over lines that may break. What a broken line has brought is not asked for again. */
export class BlockFetcher {
  private readonly lines = new Set<TransferLine>();
  private dialling = 0;
  private closed = false;

  constructor(
    private readonly satellite: Satellite,
    private readonly tickets: DownloadTickets,
    private readonly versionId: string,
  ) {}

  /**
   * Fetches what the queue hands out, over one line as long as that holds, and answers the line that is left. A line is opened only when there is
   * a block to ask for: a satellite ends those on which nothing is asked, which says nothing of the transfer.
   */
  async fetch(queue: BlockQueue): Promise<TransferLine | null> {
    let line: TransferLine | null = null;
    let brought = 0;
    let fruitless = 0;
    const patience = new Patience(this.satellite.signal);
    for (let block = await queue.next(); block; block = await queue.next()) {
      try {
        if (!line) {
          brought = 0;
          line = await this.open();
        }
        await fetchSound(line, block, () => brought++);
        queue.deliver(block);
      } catch (error) {
        if (line) this.drop(line);
        queue.giveBack(block);
        if (this.closed || !(error instanceof BrokenLine)) throw error;
        const isSilent = !line?.heard;
        if (isSilent && this.lines.size + this.dialling > 0) return null; // the satellite has enough lines: the others do it
        fruitless = brought > 0 ? 0 : fruitless + 1;
        if (fruitless >= FRUITLESS_LINES || isFinal(error)) throw this.inWords(error);
        if (line && isSilent) await this.tickets.giveBack(this.versionId);
        if (fruitless > 0) await patience.pause();
        else patience.renew();
        line = null;
      }
    }
    return line;
  }

  close(): void {
    this.closed = true;
    for (const line of this.lines) this.drop(line);
  }

  private async open(): Promise<TransferLine> {
    this.dialling++;
    try {
      const line = await this.tickets.open(this.versionId);
      this.lines.add(line);
      if (this.closed) this.drop(line);
      return line;
    } finally {
      this.dialling--;
    }
  }

  private drop(line: TransferLine): void {
    this.lines.delete(line);
    line.close();
  }

  private inWords(error: BrokenLine): ViceError {
    if (error.cause instanceof ViceError) return error.cause;
    return (
      refusalInWords(error.said, this.satellite.name) ??
      new ViceError('ENVIRONMENT_UNREACHABLE', `the file transfer of ${this.satellite.name} broke off: ${error.message}`, {
        cause: error,
      })
    );
  }
}

async function fetchSound(line: TransferLine, block: DownloadBlock, onPiece: () => void): Promise<void> {
  for (let bad = 0; bad < BAD_BLOCKS; bad++) {
    await fetchBlock(line, block, onPiece);
    if (block.isSound()) return;
  }
  throw new ViceError('CHECKSUM_MISMATCH', `block ${block.index} of the image arrived damaged ${BAD_BLOCKS} times`);
}

async function fetchBlock(line: TransferLine, block: DownloadBlock, onPiece: () => void): Promise<void> {
  const { missing } = block;
  await line.say({ RANGE: rangeText(missing) });
  const answer = await line.readMeta();
  if (answer.get('RANGE') !== rangeText(missing) || answer.has('COMPRESS'))
    throw new BrokenLine(`the satellite answered with other bytes than were asked for (${rangeText(missing)})`);
  await line.readBytes(missing.end - missing.start, (piece) => {
    onPiece();
    block.take(piece);
  });
}

/** What will not be otherwise on the next line. */
const isFinal = ({ said }: BrokenLine): boolean => /corrupted on server/i.test(said);
