import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** From a list of a few images to a download of an hour. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];

interface RouteSeries {
  byStatus: Map<number, { inc(): void }>;
  seconds: { observe(value: number): void };
}

/** Requests, by the pattern of their route: what clients send adds no series. */
export class HttpMetrics {
  private readonly total: Counter;
  private readonly seconds: Histogram;
  private readonly inFlight: Gauge;
  /** Looked up once, because the labels of every request would else be hashed anew. */
  private readonly series = new Map<string, RouteSeries>();
  private running = 0;

  constructor(registry: Registry) {
    const registers = [registry];
    this.total = new Counter({
      name: 'http_requests_total',
      help: 'Requests that were answered or broken off, by route; a status of 499 is for those whose client left before any answer',
      labelNames: ['method', 'route', 'status'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'http_request_duration_seconds',
      help: 'From the head of a request to the last byte of its answer',
      labelNames: ['method', 'route'],
      buckets: SECONDS,
      registers,
    });
    this.inFlight = new Gauge({
      name: 'http_requests_in_flight',
      help: 'Requests under way, but for those for metrics',
      registers,
      collect: () => this.inFlight.set(this.running),
    });
  }

  began(): void {
    this.running += 1;
  }

  ended(): void {
    this.running -= 1;
  }

  /** @param route its pattern: `/v1/image/:imageId`; undefined where there is none */
  answered(method: string, route: string | undefined, status: number, seconds: number): void {
    const { byStatus, seconds: histogram } = this.of(method, route);
    let counter = byStatus.get(status);
    if (!counter) byStatus.set(status, (counter = this.total.labels({ ...labelsOf(method, route), status: String(status) })));
    counter.inc();
    histogram.observe(seconds);
  }

  private of(method: string, route = UNMATCHED): RouteSeries {
    const key = `${METHODS.has(method) ? method : OTHER} ${route}`;
    let series = this.series.get(key);
    if (!series) {
      series = { byStatus: new Map(), seconds: this.seconds.labels(labelsOf(method, route)) };
      this.series.set(key, series);
    }
    return series;
  }
}

const UNMATCHED = 'unmatched';
const OTHER = 'other';

const labelsOf = (method: string, route = UNMATCHED) => ({ method: METHODS.has(method) ? method : OTHER, route });
