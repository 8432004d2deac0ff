import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';

const LIMIT_BYTES = 10 * 1024 * 1024;

/** The file that PostgreSQL's programs write their messages to; a long one is moved aside at the next start. */
export class ServerLog implements Disposable {
  readonly descriptor: number;
  private marked: number;

  constructor(readonly path: string) {
    if (existsSync(path) && statSync(path).size > LIMIT_BYTES) renameSync(path, `${path}.1`);
    this.descriptor = openSync(path, 'a', 0o600);
    this.marked = statSync(path).size;
  }

  /** `since` and `lastWords` tell what comes from here on. */
  mark(): void {
    this.marked = statSync(this.path).size;
  }

  since(): string {
    return readFileSync(this.path).subarray(this.marked).toString('utf8');
  }

  /** For an error's message. */
  lastWords(): string {
    const words = this.since().trim().split('\n').slice(-3).join(' | ');
    return words ? `; its last words in ${this.path}: ${words}` : '';
  }

  [Symbol.dispose](): void {
    closeSync(this.descriptor);
  }
}
