import { Registry } from 'prom-client';
import { BlobMetrics } from './blobs.metrics.js';
import { BlobSpaceMetrics } from './blob-space.metrics.js';
import { HttpMetrics } from './http.metrics.js';
import { JobMetrics } from './jobs.metrics.js';
import { OutboxMetrics } from './outbox.metrics.js';
import { countProcess } from './process.metrics.js';
import { ProviderMetrics } from './provider.metrics.js';
import { QueueMetrics } from './queue.metrics.js';
import { Scrape } from './scrape.js';
import { WorkerMetrics } from './worker.metrics.js';

/**
 * The metrics of one process, handed to its parts as the logger is. A family has series from when it is first asked for, so that no service
 * shows what is another's to count.
 */
export class Metrics {
  readonly scrape: Scrape;
  private readonly registry = new Registry();
  private readonly families = new Map<unknown, unknown>();

  /** @param service whose process this is */
  constructor(service: string) {
    this.scrape = new Scrape(this.registry);
    countProcess(this.registry, service);
  }

  get http(): HttpMetrics {
    return this.family(HttpMetrics);
  }

  get jobs(): JobMetrics {
    return this.family(JobMetrics);
  }

  get queues(): QueueMetrics {
    return this.family(QueueMetrics);
  }

  get outbox(): OutboxMetrics {
    return this.family(OutboxMetrics);
  }

  get blobs(): BlobMetrics {
    return this.family(BlobMetrics);
  }

  get blobSpace(): BlobSpaceMetrics {
    return this.family(BlobSpaceMetrics);
  }

  get providers(): ProviderMetrics {
    return this.family(ProviderMetrics);
  }

  get workers(): WorkerMetrics {
    return this.family(WorkerMetrics);
  }

  /** Everything, in the Prometheus text format. */
  text(): Promise<string> {
    return this.scrape.text();
  }

  /** By name, of which a histogram has three: the labels. */
  static allSeries(): Map<string, readonly string[]> {
    const metrics = new Metrics('any');
    for (const Family of FAMILIES) metrics.family<unknown>(Family);
    return new Map(metrics.registry.getMetricsAsArray().flatMap((metric) => seriesOf(metric as unknown as Labelled)));
  }

  private family<Family>(Family: new (registry: Registry, scrape: Scrape) => Family): Family {
    const made = (this.families.get(Family) as Family | undefined) ?? new Family(this.registry, this.scrape);
    this.families.set(Family, made);
    return made;
  }
}

const FAMILIES = [
  HttpMetrics,
  JobMetrics,
  QueueMetrics,
  OutboxMetrics,
  BlobMetrics,
  BlobSpaceMetrics,
  ProviderMetrics,
  WorkerMetrics,
];

/** The names of all series that any of our services has: what a dashboard or a rule may ask for. */
export const metricNames = (): string[] => [...Metrics.allSeries().keys()].sort();

/** The same with the labels of each, without those that Prometheus adds at a scrape. */
export const metricLabels = (): ReadonlyMap<string, readonly string[]> => Metrics.allSeries();

/** A metric as it is; its type leaves the labels out. */
interface Labelled {
  name: string;
  type: string;
  labelNames: string[];
}

function seriesOf({ name, type, labelNames }: Labelled): [string, readonly string[]][] {
  if (type !== 'histogram') return [[name, labelNames]];
  return [
    [`${name}_bucket`, [...labelNames, 'le']],
    [`${name}_sum`, labelNames],
    [`${name}_count`, labelNames],
  ];
}
