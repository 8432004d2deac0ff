import { Readable } from 'node:stream';
import { ViceError } from '#libs/errors';
import { refusalInWords } from '../errors/server-words.js';
import { type Satellite } from '../satellite.js';
import { BlockQueue } from './block-queue.js';
import { BLOCK_BYTES, blockCount, blockRange } from './blocks.js';
import { DownloadBlock } from './download-block.js';
import { type DownloadTickets } from './download-tickets.js';
import { DONE, rangeText } from './meta-block.js';
import { BrokenLine, type TransferLine } from './transfer-line.js';

/** More than these a satellite does not take for one transfer. */
const LINES = 2;
/** How often in a row a line may break without having brought anything. */
const FRUITLESS_LINES = 3;
/** How often one block may arrive damaged. */
const BAD_BLOCKS = 3;

/** The bytes of an image version from `offset` on, each block checked, over two lines. What a broken line has brought is not asked for again. */
export function readVersion(
  satellite: Satellite,
  tickets: DownloadTickets,
  { versionId, size }: { versionId: string; size: number },
  offset: number,
): Readable {
  const download = new Download(satellite, tickets, versionId, size, offset);
  const stream = Readable.from(download.run(), { objectMode: false, highWaterMark: 1 });
  const { signal } = satellite;
  const abort = () => stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  return stream.once('close', () => {
    signal.removeEventListener('abort', abort);
    download.stop();
  });
}

class Download {
  private readonly lines = new Set<TransferLine>();
  private queue: BlockQueue | null = null;
  private stopped = false;

  constructor(
    private readonly satellite: Satellite,
    private readonly tickets: DownloadTickets,
    private readonly versionId: string,
    private readonly size: number,
    private readonly offset: number,
  ) {}

  async *run(): AsyncGenerator<Buffer> {
    const { blockHashes = [] } = await this.tickets.get(this.versionId);
    const first = Math.floor(this.offset / BLOCK_BYTES);
    const make = (index: number) => {
      const range = blockRange(index, this.size);
      return new DownloadBlock(index, Math.max(this.offset, range.start), range, sha1Of(blockHashes[index]));
    };
    const queue = (this.queue = new BlockQueue(first, blockCount(this.size), make));
    const working = Array.from({ length: LINES }, () => this.work(queue).catch((error: Error) => this.fail(error)));
    yield* queue.inOrder();
    await Promise.all(working);
    this.tickets.spend(this.versionId);
  }

  /** The reader has left, or has everything. */
  stop(): void {
    this.stopped = true;
    this.queue?.fail(new BrokenLine('the reader has left'));
    for (const line of this.lines) line.close();
  }

  /** Fetches blocks over one line, and over another one when that breaks. */
  private async work(queue: BlockQueue): Promise<void> {
    for (let fruitless = 0; ;) {
      const line = await this.tickets.open(this.versionId);
      this.lines.add(line);
      let brought = 0;
      try {
        await fetchBlocks(line, queue, () => brought++);
        return await line.finish(DONE);
      } catch (error) {
        if (this.stopped || !(error instanceof BrokenLine)) throw error;
        if (!line.heard && this.lines.size > 1) return; // the satellite has enough lines: the others do it
        fruitless = brought > 0 ? 0 : fruitless + 1;
        if (fruitless >= FRUITLESS_LINES || isFinal(error)) throw this.inWords(error);
        if (!line.heard) this.tickets.spend(this.versionId);
      } finally {
        this.lines.delete(line);
        line.close();
      }
    }
  }

  private fail(error: Error): void {
    this.queue?.fail(error);
    for (const line of this.lines) line.close();
  }

  private inWords(error: BrokenLine): ViceError {
    return (
      refusalInWords(error.said, this.satellite.name) ??
      new ViceError('ENVIRONMENT_UNREACHABLE', `the file transfer of ${this.satellite.name} broke off: ${error.message}`, {
        cause: error,
      })
    );
  }
}

async function fetchBlocks(line: TransferLine, queue: BlockQueue, onPiece: () => void): Promise<void> {
  for (let block = await queue.next(); block; block = await queue.next()) {
    let whole = false;
    try {
      for (let bad = 0; !whole; bad++) {
        if (bad === BAD_BLOCKS)
          throw new ViceError('CHECKSUM_MISMATCH', `block ${block.index} of the image arrived damaged ${BAD_BLOCKS} times`);
        await fetchBlock(line, block, onPiece);
        whole = block.isSound();
      }
    } finally {
      if (!whole) queue.giveBack(block);
    }
    queue.deliver(block);
  }
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

/** A list may have gaps, or be shorter than the file. */
const sha1Of = (hash: Buffer | undefined): Buffer | undefined => (hash?.length === 20 ? hash : undefined);
