import { type Socket } from 'node:net';
import { type Intake } from './intake.js';
import { decodeMeta, encodeMeta, type MetaBlock } from './meta-block.js';

/** How long the other side may be silent, or take nothing, before the line counts as broken. */
const SILENCE_MS = 30_000;

/** A line of a transfer broke. That says nothing of the transfer: on another line it goes on. */
export class BrokenLine extends Error {
  constructor(
    message: string,
    /** What the other side said before: the text of its ERROR. */
    readonly said = '',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What is still to come; what it answers is left over, null: it wants more. */
type Taker = (chunk: Buffer) => Buffer | null;

/** One connection of a transfer: meta blocks and bytes, in turns. Everything on it ends, by the socket's end at the latest. */
export class TransferLine {
  /** Whether the other side has said anything. One that never did knows no such transfer, or has enough lines. */
  heard = false;
  private leftOver: Buffer | null = null;
  private taker: { take: Taker; done(): void; fail(error: Error): void } | null = null;
  private broken: Error | null = null;
  private readonly clock: NodeJS.Timeout;

  constructor(
    private readonly socket: Socket,
    intake: Intake,
    private readonly signal: AbortSignal,
    silenceMs = SILENCE_MS,
  ) {
    this.clock = setTimeout(() => this.silent(silenceMs), silenceMs);
    signal.addEventListener('abort', this.stop, { once: true });
    intake.listen((bytes) => this.hear(bytes));
    socket.on('end', () => this.break(new BrokenLine('the connection was closed')));
    socket.on('error', (error) => this.break(new BrokenLine(error.message)));
    socket.on('close', () => this.break(new BrokenLine('the connection broke')));
    if (signal.aborted) this.stop();
  }

  /** The first thing said: which way the file goes, and which transfer this is. */
  begin(direction: 'upload' | 'download', token: string): Promise<void> {
    const first = Buffer.from(direction === 'upload' ? 'U' : 'D');
    return this.write(Buffer.concat([first, encodeMeta({ TOKEN: token })]));
  }

  say(fields: Readonly<Record<string, string>>): Promise<void> {
    return this.write(encodeMeta(fields));
  }

  /** Raises BrokenLine, also where the other side says ERROR. */
  async readMeta(): Promise<MetaBlock> {
    let meta: MetaBlock | undefined;
    let held: Buffer = Buffer.alloc(0);
    await this.receive((chunk) => {
      held = Buffer.concat([held, chunk]);
      const decoded = decodeMeta(held);
      meta = decoded?.meta;
      return decoded?.rest ?? null;
    });
    const error = meta!.get('ERROR');
    if (error !== undefined) throw new BrokenLine(`the satellite broke off: ${error}`, error);
    return meta!;
  }

  /** Gives exactly so many bytes to `take`, in pieces as they come, each good only until it returns. */
  readBytes(count: number, take: (piece: Buffer) => void): Promise<void> {
    let left = count;
    return this.receive((chunk) => {
      const piece = chunk.length > left ? chunk.subarray(0, left) : chunk;
      left -= piece.length;
      take(piece);
      return left === 0 ? chunk.subarray(piece.length) : null;
    });
  }

  /** Resolves when the bytes have gone, and may be changed. */
  write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.broken) return reject(this.broken);
      this.clock.refresh();
      this.socket.write(bytes, (error) => {
        if (error) return reject(this.broken ?? new BrokenLine(error.message));
        this.clock.refresh();
        resolve();
      });
    });
  }

  /** Says the last thing, and leaves when it is sent. */
  async finish(fields: Readonly<Record<string, string>>): Promise<void> {
    await new Promise<void>((resolve) => this.socket.end(encodeMeta(fields), () => resolve()).once('close', () => resolve()));
    this.close();
  }

  close(): void {
    this.break(new BrokenLine('the connection was closed by us'));
  }

  private readonly stop = (): void => this.break(this.signal.reason as Error);

  private receive(take: Taker): Promise<void> {
    return new Promise((resolve, reject) => {
      const settled = (outcome: () => void) => () => {
        this.taker = null;
        outcome();
      };
      this.taker = { take, done: settled(resolve), fail: (error) => settled(() => reject(error))() };
      const waiting = this.leftOver;
      this.leftOver = null;
      if (waiting) this.pass(waiting);
      if (!this.taker) return;
      if (this.broken) this.taker.fail(this.broken);
      else this.socket.resume();
    });
  }

  private hear(chunk: Buffer): void {
    this.heard = true;
    this.clock.refresh();
    if (this.taker) this.pass(chunk);
    else this.keep(chunk);
    // What nobody waits for stays with the other side, but for what has been read already.
    if (!this.taker) this.socket.pause();
  }

  private pass(chunk: Buffer): void {
    const taker = this.taker!;
    try {
      const rest = taker.take(chunk);
      if (rest === null) return;
      this.keep(rest);
      taker.done();
    } catch (cause) {
      this.break(new BrokenLine(`what the satellite sent is not understood: ${(cause as Error).message}`));
    }
  }

  private keep(rest: Buffer): void {
    if (rest.length > 0) this.leftOver = Buffer.concat([this.leftOver ?? Buffer.alloc(0), rest]);
  }

  /** A line that nobody waits for may be silent. */
  private silent(silenceMs: number): void {
    if (this.taker || this.socket.writableLength > 0) this.break(new BrokenLine(`nothing was heard for ${silenceMs / 1000} s`));
    else this.clock.refresh();
  }

  private break(error: Error): void {
    if (this.broken) return;
    this.broken = error;
    clearTimeout(this.clock);
    this.signal.removeEventListener('abort', this.stop);
    this.socket.destroy();
    this.taker?.fail(error);
  }
}
