import { type ServerResponse } from 'node:http';
import { EventCalls, type Ask, type Change, type StoredEvent } from '#libs/contracts';
import { boundToWork, untraced, type Logger } from '#libs/observability';

const PAGE = 100;
const RETRY_MS = 3000;

interface EventStreamOptions {
  userId: string;
  /** The last event the client knows of; null: it wants only what comes from now on. */
  after: string | null;
  response: ServerResponse;
  ask: Ask;
  logger: Logger;
}

/**
 * One client at `GET /events`. The registry's rows are the truth: whenever something may be new, all after the last one sent is asked for, in
 * one loop, so that nothing is sent twice or out of order. Progress is sent as it comes, and dropped while the client is slow.
 */
export class EventStream {
  readonly userId: string;
  private after: string | null;
  private readonly response: ServerResponse;
  private stale = false;
  private fetching = false;
  /** Whoever wakes it, it is the work of this request; a trace of days helps nobody. */
  private readonly fetchForClient = boundToWork(() => untraced(() => this.fetch()));

  constructor(private readonly options: EventStreamOptions) {
    this.userId = options.userId;
    this.after = options.after;
    this.response = options.response;
  }

  /** Once this resolves, the client is told of all that happens later. */
  async open(): Promise<void> {
    const { after } = this;
    if (after === null) this.after = (await this.ask(1)).last;
    this.response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.response.write(`retry: ${RETRY_MS}\n\n`);
    this.wake();
  }

  /** There may be something new. */
  wake(): void {
    this.stale = true;
    if (this.after !== null && this.response.headersSent && !this.fetching) void this.fetchForClient();
  }

  /** Shows proxies and the client that the connection lives, and makes up for a broadcast that was lost. */
  keepAlive(): void {
    if (!this.response.headersSent) return;
    this.response.write(': still here\n\n');
    this.wake();
  }

  progress(change: Change): void {
    if (!this.response.headersSent || this.response.writableNeedDrain) return;
    this.response.write(frame(change));
  }

  close(): void {
    this.response.end();
  }

  private async fetch(): Promise<void> {
    this.fetching = true;
    try {
      while (this.stale && !this.response.writableEnded && !this.response.destroyed) {
        this.stale = false;
        const { events } = await this.ask(PAGE);
        for (const event of events) await this.send(event);
        if (events.length === PAGE) this.stale = true;
      }
    } catch (error) {
      this.options.logger.warn({ err: error }, 'events could not be asked for; the next keep-alive tries again');
    } finally {
      this.fetching = false;
    }
  }

  private async send(event: StoredEvent): Promise<void> {
    if (this.response.writableEnded || this.response.destroyed) return;
    this.after = event.id;
    if (!this.response.write(frame(event, event.id)) && !this.response.destroyed) await this.drained();
  }

  /** Resolves also when the client has gone. */
  private drained(): Promise<void> {
    const { response } = this;
    return new Promise((resolve) => {
      const done = () => {
        response.off('drain', done).off('close', done);
        resolve();
      };
      response.on('drain', done).on('close', done);
    });
  }

  private ask(limit: number) {
    return this.options.ask(EventCalls.eventsSince, { userId: this.userId, after: this.after, limit });
  }
}

/** JSON has no line breaks of its own, so it is one line of data. */
function frame(change: Change, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${change.type}\ndata: ${JSON.stringify(change.data)}\n\n`;
}
