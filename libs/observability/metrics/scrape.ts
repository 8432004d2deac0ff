import { Gauge, type Registry } from 'prom-client';

/** A scrape waits no longer for what it asks. */
const PATIENCE_MS = 2_000;

type Parts<Found> = { readonly [Part in keyof Found & string]: () => Promise<Found[Part]> };
type Show = () => void;

/**
 * What is asked of other parts with every scrape. One that does not answer in time takes only its own series away, and shows as
 * unavailable: a scrape always has an answer.
 */
export class Scrape {
  private readonly unavailable: Gauge;
  private readonly readers: (() => Promise<Show>)[] = [];
  private shown: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly registry: Registry,
    private readonly patienceMs = PATIENCE_MS,
  ) {
    this.unavailable = new Gauge({
      name: 'vice_metrics_unavailable',
      help: '1 where a part did not answer when it was asked for its metrics, which are left out then',
      labelNames: ['part'],
      registers: [registry],
    });
  }

  /** Asks `parts` side by side with every scrape; `show` gets what they answered, undefined where they did not. */
  read<Found extends object>(parts: Parts<Found>, show: (found: Partial<Found>) => void): void {
    const entries = Object.entries(parts) as [string, () => Promise<unknown>][];
    const questions = entries.map(([part, read]) => [part, patiently(read, this.patienceMs)] as const);
    this.readers.push(async () => {
      const answers = await Promise.all(questions.map(async ([part, ask]) => [part, await ask()] as const));
      return () => {
        for (const [part, answer] of answers) if (!answer) this.unavailable.set({ part }, 1);
        show(Object.fromEntries(answers.map(([part, answer]) => [part, answer?.value])) as Partial<Found>);
      };
    });
    for (const [part] of entries) this.unavailable.set({ part }, 0);
  }

  /** All metrics as text. Scrapes that come together are read beside each other, and shown one after the other. */
  async text(): Promise<string> {
    const shows = await Promise.all(this.readers.map((read) => read()));
    const text = this.shown.then(() => this.show(shows));
    this.shown = text.catch(() => undefined);
    return text;
  }

  private async show(shows: readonly Show[]): Promise<string> {
    const { values } = await this.unavailable.get();
    for (const { labels } of values) this.unavailable.set(labels, 0);
    for (const show of shows) show();
    return this.registry.metrics();
  }
}

/** The answer in time, else undefined. While one that came too late is still awaited, nothing more is asked: it would only wait behind it. */
function patiently<T>(read: () => Promise<T>, patienceMs: number): () => Promise<{ value: T } | undefined> {
  let isOverdue = false;
  return async () => {
    if (isOverdue) return undefined;
    let timer: NodeJS.Timeout | undefined;
    let isAnswered = false;
    const answer = read()
      .then(
        (value) => ({ value }),
        () => undefined,
      )
      .finally(() => {
        isAnswered = true;
        isOverdue = false;
      });
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => {
        isOverdue = !isAnswered;
        resolve(undefined);
      }, patienceMs);
    });
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  };
}
