import { readRange } from '../byte-range.js';
import { type InspectableBytes } from '../inspection.js';
import { truncated } from '../refusal.js';

export interface Page {
  /** In the content. */
  start: number;
  bytes: Buffer;
}

export interface PageOptions {
  pageBytes: number;
  maxBytes: number;
  /** Names what is read, in messages. */
  what: string;
}

/** Content that is read page by page, the pages used last kept in memory: for tables, and for many small pieces that lie together. */
export class ContentPages {
  private readonly pages = new Map<number, Page>();
  private readonly loading = new Map<number, Promise<Page>>();

  constructor(
    private readonly bytes: InspectableBytes,
    private readonly options: PageOptions,
  ) {}

  /** The page with this byte; at once where it is in memory. Throws CONTENT_TRUNCATED where the content ends before `length` more bytes. */
  pageAt(offset: number, length: number): Page | Promise<Page> {
    if (offset + length > this.bytes.size) {
      const { what } = this.options;
      throw truncated(`${what} should be at byte ${offset}, but the content ends at ${this.bytes.size}`);
    }
    const start = offset - (offset % this.options.pageBytes);
    const known = this.pages.get(start);
    if (!known) return this.load(start);
    this.pages.delete(start);
    this.pages.set(start, known);
    return known;
  }

  /** A copy of this range, which may cross pages. */
  async read(offset: number, length: number): Promise<Buffer> {
    const range = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const { start, bytes } = await this.pageAt(offset + done, 1);
      done += bytes.copy(range, done, offset + done - start);
    }
    return range;
  }

  private load(start: number): Promise<Page> {
    const under = this.loading.get(start);
    if (under) return under;
    const page = this.fetch(start).finally(() => this.loading.delete(start));
    this.loading.set(start, page);
    return page;
  }

  private async fetch(start: number): Promise<Page> {
    const { pageBytes, maxBytes, what } = this.options;
    const page = { start, bytes: await readRange(this.bytes, start, Math.min(pageBytes, this.bytes.size - start), what) };
    this.pages.set(start, page);
    for (const oldest of this.pages.keys()) {
      if (this.pages.size * pageBytes <= maxBytes) break;
      this.pages.delete(oldest);
    }
    return page;
  }
}
