import { Satellite as Calls } from '../calls/methods.js';
import { type TransferInformation } from '../calls/structs.js';
import { type Satellite } from '../satellite.js';
import { BlockFetcher } from './block-fetcher.js';
import { BlockQueue } from './block-queue.js';
import { blockCount } from './blocks.js';
import { DownloadBlock } from './download-block.js';
import { openLine } from './open-line.js';
import { portOf } from './transfer-port.js';
import { type TransferLine } from './transfer-line.js';

/**
 * Permits to download a version. A satellite gives out few of them in a time, so that one is used for all that a session reads of a version.
 */
export class DownloadTickets {
  private readonly byVersion = new Map<string, Promise<TransferInformation>>();

  constructor(private readonly satellite: Satellite) {}

  /** Raises ENVIRONMENT_BUSY where the satellite gives none now. */
  get(versionId: string): Promise<TransferInformation> {
    const former = this.byVersion.get(versionId);
    if (former) return former;
    const ticket = this.satellite.call(Calls.requestDownload, { imageVersionId: versionId }, 'begin to download the image');
    this.byVersion.set(versionId, ticket);
    ticket.catch(() => this.byVersion.delete(versionId));
    return ticket;
  }

  /** It is used up. */
  spend(versionId: string): void {
    this.byVersion.delete(versionId);
  }

  /** The satellite does not know it any more, or acts as if it did not: it must not go on to count. */
  async giveBack(versionId: string): Promise<void> {
    const ticket = this.byVersion.get(versionId);
    this.spend(versionId);
    if (ticket) await this.cancel(ticket);
  }

  /** A line over which bytes of the version can be asked for. */
  async open(versionId: string): Promise<TransferLine> {
    const ticket = await this.get(versionId);
    const { satellite } = await this.satellite.whoWeAre();
    return openLine(this.satellite, portOf(ticket, satellite), 'download', ticket.token ?? '');
  }

  /** The first bytes of a version, unchecked. */
  async peek(versionId: string, count: number): Promise<Buffer> {
    const fetcher = new BlockFetcher(this.satellite, this, versionId);
    const range = { start: 0, end: count };
    const queue = new BlockQueue(0, blockCount(count), () => new DownloadBlock(0, 0, range, undefined));
    try {
      await fetcher.fetch(queue);
      const pieces: Buffer[] = [];
      for await (const piece of queue.inOrder()) pieces.push(piece);
      return Buffer.concat(pieces);
    } finally {
      fetcher.close();
    }
  }

  /** The tokens of what was not used up. */
  async left(): Promise<string[]> {
    const tickets = await Promise.allSettled(this.byVersion.values());
    return tickets.flatMap((ticket) => (ticket.status === 'fulfilled' && ticket.value.token ? [ticket.value.token] : []));
  }

  private async cancel(ticket: Promise<TransferInformation>): Promise<void> {
    const { token } = await ticket.catch(() => ({ token: undefined }));
    if (token === undefined) return;
    await this.satellite.call(Calls.cancelDownload, { downloadToken: token }, 'end the download').catch(() => undefined);
  }
}
