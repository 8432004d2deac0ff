import { Satellite as Calls } from '../calls/methods.js';
import { type TransferInformation } from '../calls/structs.js';
import { type Satellite } from '../satellite.js';
import { rangeText } from './meta-block.js';
import { portOf } from './transfer-port.js';
import { TransferLine } from './transfer-line.js';

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

  /** It is used up, or the satellite does not know it any more. */
  spend(versionId: string): void {
    this.byVersion.delete(versionId);
  }

  /** A line over which bytes of the version can be asked for. */
  async open(versionId: string): Promise<TransferLine> {
    const ticket = await this.get(versionId);
    const { satellite } = await this.satellite.whoWeAre();
    const line = new TransferLine(await this.satellite.dial(portOf(ticket, satellite)), this.satellite.signal);
    await line.begin('download', ticket.token ?? '').catch(() => undefined); // whoever uses the line sees that it broke
    return line;
  }

  /** The first bytes of a version. */
  async peek(versionId: string, count: number): Promise<Buffer> {
    const line = await this.open(versionId);
    try {
      const range = rangeText({ start: 0, end: count });
      await line.say({ RANGE: range });
      await line.readMeta();
      const pieces: Buffer[] = [];
      await line.readBytes(count, (piece) => void pieces.push(piece));
      return Buffer.concat(pieces);
    } finally {
      line.close();
    }
  }

  /** Gives back what was not used up. */
  async return(): Promise<void> {
    for (const ticket of this.byVersion.values()) {
      const { token } = await ticket.catch(() => ({ token: undefined }));
      if (token !== undefined)
        await this.satellite.call(Calls.cancelDownload, { downloadToken: token }, 'end the download').catch(() => undefined);
    }
  }
}
