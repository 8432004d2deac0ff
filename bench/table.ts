/** Figures under a heading, as Markdown that also reads well in a terminal. */
export class Table {
  private readonly rows: string[][] = [];

  constructor(
    private readonly title: string,
    private readonly columns: readonly string[],
  ) {}

  add(...cells: string[]): void {
    this.rows.push(cells);
  }

  markdown(): string {
    const lines = [this.columns, ...this.rows];
    const widths = this.columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
    const line = (cells: readonly string[]) => `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
    const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
    return [`**${this.title}**`, '', line(this.columns), rule, ...this.rows.map(line)].join('\n');
  }
}

/** What is being done, for whoever waits for it. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
