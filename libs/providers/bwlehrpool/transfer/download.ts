import { Readable } from 'node:stream';
import { type Satellite } from '../satellite.js';
import { BlockFetcher } from './block-fetcher.js';
import { BlockQueue } from './block-queue.js';
import { BLOCK_BYTES, blockCount, blockRange } from './blocks.js';
import { DownloadBlock } from './download-block.js';
import { type DownloadTickets } from './download-tickets.js';
import { DONE } from './meta-block.js';
import { BrokenLine } from './transfer-line.js';

/** More than these a satellite does not take for one transfer. */
const LINES = 2;

/** The bytes of an image version from `offset` on, each block checked, over two lines. */
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
  private readonly fetcher: BlockFetcher;
  private queue: BlockQueue | null = null;

  constructor(
    satellite: Satellite,
    private readonly tickets: DownloadTickets,
    private readonly versionId: string,
    private readonly size: number,
    private readonly offset: number,
  ) {
    this.fetcher = new BlockFetcher(satellite, tickets, versionId);
  }

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
    const told = await Promise.all(working);
    // A permit whose end the satellite was not told goes back with the session.
    if (told.includes(true)) this.tickets.spend(this.versionId);
  }

  /** The reader has left, or has everything. */
  stop(): void {
    this.fail(new BrokenLine('the reader has left'));
  }

  /** Answers whether the satellite was told that everything is there. */
  private async work(queue: BlockQueue): Promise<boolean> {
    const line = await this.fetcher.fetch(queue);
    await line?.finish(DONE);
    return line !== null;
  }

  private fail(error: Error): void {
    this.queue?.fail(error);
    this.fetcher.close();
  }
}

/** A list may have gaps, or be shorter than the file. */
const sha1Of = (hash: Buffer | undefined): Buffer | undefined => (hash?.length === 20 ? hash : undefined);
