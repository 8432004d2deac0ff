import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { packageVersion } from './package-version.js';

/** What holds of every process: which service it is, and what Node and the system say of it. */
export function countProcess(registry: Registry, service: string): void {
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'vice_build_info',
    help: 'Always 1; says what runs',
    labelNames: ['service', 'version'],
    registers: [registry],
  }).set({ service, version: packageVersion() }, 1);
}
