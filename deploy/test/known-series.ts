import { metricLabels } from '#libs/observability';
import { type TestBroker } from '#libs/testing';
import { labelsOfAnswer, usesOf } from './promql-uses.js';
import { rules } from './rules.js';

/** The labels that each series can have, by its name. */
export type KnownSeries = ReadonlyMap<string, ReadonlySet<string>>;

/** The families of RabbitMQ's `/metrics/detailed` that are scraped. */
export const RABBITMQ_FAMILIES = ['queue_coarse_metrics', 'queue_consumer_count'];

const OF_SCRAPE = ['job', 'instance'];

/** What our services have by their own word, what our rules record, and what Prometheus has itself. */
export function ourSeries(): KnownSeries {
  const ours = [...metricLabels()].map(([name, labels]) => [name, new Set([...labels, ...OF_SCRAPE])] as const);
  const recorded = rules().flatMap(({ record, expr }) =>
    record === undefined ? [] : [[record, labelsOfAnswer(expr) ?? new Set<string>()] as const],
  );
  return new Map([
    ...ours,
    ...recorded,
    ['up', new Set(OF_SCRAPE)],
    ['ALERTS', new Set(['alertname', 'alertstate', 'severity', ...OF_SCRAPE])],
  ]);
}

/** What a real RabbitMQ with our queues tells, and with which labels. */
export async function seriesOfRabbitMq(
  { managementUrl, metricsUrl }: TestBroker,
  families: readonly string[],
): Promise<KnownSeries> {
  for (const name of ['import', 'export', 'store', 'convert']) {
    await declare(managementUrl, `vice.${name}`, 'quorum');
    await declare(managementUrl, `vice.${name}.dead`, 'classic');
  }
  const detailed = `/metrics/detailed?${families.map((family) => `family=${family}`).join('&')}`;
  const texts = await Promise.all(['/metrics', detailed].map(async (path) => (await fetch(metricsUrl + path)).text()));
  return seriesIn(texts.join('\n'));
}

async function declare(managementUrl: string, queue: string, type: string): Promise<void> {
  const { origin, pathname, username, password } = new URL(managementUrl);
  const response = await fetch(`${origin}${pathname}/queues/%2F/${queue}`, {
    method: 'PUT',
    headers: { authorization: `Basic ${btoa(`${username}:${password}`)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ durable: true, arguments: { 'x-queue-type': type } }),
  });
  if (!response.ok) throw new Error(`${queue} was not declared: ${response.status} ${await response.text()}`);
}

/** The series in a text of metrics. */
export function seriesIn(text: string): KnownSeries {
  const found = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    for (const { metric, labels } of usesOf(line.slice(0, line.lastIndexOf('}') + 1) || (line.split(' ')[0] ?? ''))) {
      const known = found.get(metric) ?? new Set(OF_SCRAPE);
      labels.forEach((label) => known.add(label));
      found.set(metric, known);
    }
  }
  return found;
}

/** What of an expression is not known: names, and labels that a name does not have. */
export function unknownIn(expression: string, known: KnownSeries): string[] {
  return usesOf(expression).flatMap(({ metric, labels }) => {
    const has = known.get(metric);
    if (!has) return [metric];
    return [...labels].filter((label) => !has.has(label)).map((label) => `${metric}{${label}}`);
  });
}
