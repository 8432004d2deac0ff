import { type Gauge } from 'prom-client';

type Value = readonly [labels: Record<string, string>, value: number];

/** Shows these values and no others; undefined: none, as nobody knows them. */
export function replaceValues(gauge: Gauge, values: readonly Value[] | undefined): void {
  gauge.reset();
  // Reset, a gauge without labels is at zero, which would be said of what is not known.
  gauge.remove({});
  for (const [labels, value] of values ?? []) gauge.set(labels, value);
}
