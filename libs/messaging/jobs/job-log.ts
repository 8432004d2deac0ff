const MOST_BYTES = 64 * 1024;

/** What a job printed: the end of it, at most 64 KiB, cut at a line's beginning. */
export class JobLog {
  private text = '';
  private told = '';

  add(text: string): void {
    this.text = tail(this.text + (text.endsWith('\n') ? text : `${text}\n`));
  }

  /** All of it; undefined while nothing was printed. */
  get whole(): string | undefined {
    return this.text === '' ? undefined : this.text;
  }

  /** All of it where it was not told in this state yet. */
  get news(): string | undefined {
    return this.text === this.told ? undefined : this.whole;
  }

  markTold(text: string | undefined): void {
    if (text !== undefined) this.told = text;
  }
}

function tail(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MOST_BYTES) return text;
  const end = bytes.subarray(bytes.length - MOST_BYTES);
  return end.subarray(end.indexOf('\n') + 1).toString();
}
