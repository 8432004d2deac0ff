type Labels = Readonly<Record<string, string>>;

interface Sample {
  name: string;
  labels: Labels;
  value: number;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** What a page of metrics says: a line of the Prometheus text format each. Raises on what is no such line. */
export class Samples {
  private constructor(private readonly samples: readonly Sample[]) {}

  static of(text: string): Samples {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Samples(lines.map(sampleOf));
  }

  static async at(url: string): Promise<Samples> {
    const response = await fetch(`${url}/metrics`);
    if (!response.ok) throw new Error(`${url}/metrics answers ${response.status}: ${await response.text()}`);
    return Samples.of(await response.text());
  }

  /** The sum of all series with at least these labels; undefined where there is none. */
  sum(name: string, labels: Labels = {}): number | undefined {
    const found = this.of(name, labels);
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
  }

  /** The values of a metric by one of its labels, those that are 0 left out. */
  by(label: string, name: string, labels: Labels = {}): Record<string, number> {
    const values: Record<string, number> = {};
    for (const { labels: own, value } of this.of(name, labels))
      if (value !== 0) values[own[label] ?? ''] = (values[own[label] ?? ''] ?? 0) + value;
    return values;
  }

  get names(): string[] {
    return [...new Set(this.samples.map(({ name }) => name))];
  }

  private of(name: string, labels: Labels): Sample[] {
    const fits = (sample: Sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value);
    return this.samples.filter((sample) => sample.name === name && fits(sample));
  }
}

function sampleOf(line: string): Sample {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
  if (name === undefined) throw new Error(`not a line of metrics: ${line}`);
  return {
    name,
    labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, text]) => [key, text])),
    value: Number(value),
  };
}
