import { ViceError } from '#libs/errors';
import { type DeployableImage } from '../../environment-provider.js';
import { refusalInWords } from '../errors/server-words.js';
import { type Satellite } from '../satellite.js';
import { Patience } from './patience.js';
import { SentBytes } from './sent-bytes.js';
import { UploadLines } from './upload-lines.js';
import { uploadStatus, type UploadStatus } from './upload-status.js';

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
  private readonly lines: UploadLines;

  constructor(
    private readonly satellite: Satellite,
    private readonly ticket: UploadTicket,
    private readonly image: DeployableImage,
    private readonly patienceMs: number,
  ) {
    this.sent = new SentBytes(image);
    this.lines = new UploadLines(satellite, ticket, image, this.sent, patienceMs);
  }

  async run(): Promise<UploadEnd> {
    const patience = new Patience(this.satellite.signal);
    for (let former = ''; ;) {
      const status = await this.status();
      if (status.state === 'unknown') return 'lost';
      if (status.state === 'error') return 'failed';
      if (status.state === 'finished') break;
      const reached = `${this.lines.went} ${status.fingerprint}`;
      if (reached !== former) patience.renew();
      else this.goOnAfter(patience.inVain(), status);
      if (reached === former || !status.wantsLine) await patience.pause();
      if (status.wantsLine) await this.lines.send();
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

  private givenUp(): ViceError {
    const { said = '', message = 'the satellite asks for nothing', cause } = this.lines.lastBreak ?? {};
    if (cause instanceof ViceError) return cause;
    return (
      refusalInWords(said, this.satellite.name) ??
      new ViceError(
        'ENVIRONMENT_UNREACHABLE',
        `the file transfer to ${this.satellite.name} breaks off again and again: ${message}`,
        { cause: this.lines.lastBreak ?? undefined },
      )
    );
  }
}
