import { setTimeout as delay } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { ViceError } from '#libs/errors';

/** How often in a row it begins again without a single byte in between. */
const TRIES = 5;

export type ReadRange = (start: number, end: number, signal: AbortSignal) => Promise<Readable>;

/** Bytes of an object, read on where the connection breaks. `end` is exclusive. */
export class ObjectStream extends Readable {
  private body: Readable | undefined;
  private opening = false;
  private failures = 0;
  private readonly givenUp = new AbortController();

  constructor(
    private readonly readRange: ReadRange,
    private position: number,
    private readonly end: number,
  ) {
    super({ highWaterMark: 256 << 10 });
  }

  override _read(): void {
    if (this.position >= this.end) this.push(null);
    else if (this.body) this.body.resume();
    else if (!this.opening) void this.openBody();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.givenUp.abort();
    this.body?.destroy();
    done(error);
  }

  private async openBody(): Promise<void> {
    this.opening = true;
    try {
      const body = await this.readRange(this.position, this.end, this.givenUp.signal);
      if (this.destroyed) return void body.destroy();
      this.follow(body);
    } catch (error) {
      await this.tryAgain(error);
    } finally {
      this.opening = false;
    }
  }

  private follow(body: Readable): void {
    this.body = body;
    let failure: unknown = new Error('the connection ended early');
    body.on('error', (error: Error) => (failure = error));
    body.on('data', (chunk: Buffer) => {
      this.failures = 0;
      this.position += chunk.length;
      if (!this.push(chunk)) body.pause();
    });
    body.once('close', () => {
      this.body = undefined;
      if (this.destroyed) return;
      if (this.position >= this.end) this.push(null);
      else void this.tryAgain(failure);
    });
  }

  private async tryAgain(failure: unknown): Promise<void> {
    if (this.destroyed) return;
    const hopeless = failure instanceof ViceError && failure.code !== 'UNAVAILABLE';
    if (hopeless || ++this.failures >= TRIES) {
      this.destroy(failure instanceof Error ? failure : new Error(String(failure)));
      return;
    }
    await delay(50 * 2 ** this.failures * (0.5 + Math.random()), undefined, { signal: this.givenUp.signal }).catch(
      () => undefined,
    );
    if (!this.destroyed) await this.openBody();
  }
}
