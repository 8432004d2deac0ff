import { Counter, type Registry } from 'prom-client';
import { type ErrorCode } from '#libs/errors';
import { softwareLabel } from './software-label.js';

const OF_ENVIRONMENTS: readonly ErrorCode[] = [
  'CREDENTIALS_REFUSED',
  'ENVIRONMENT_BUSY',
  'ENVIRONMENT_FAILED',
  'ENVIRONMENT_MISCONFIGURED',
  'ENVIRONMENT_REFUSED',
  'ENVIRONMENT_UNREACHABLE',
];

/** What workers ask of environments, and how that fails. */
export class ProviderMetrics {
  private readonly operations: Counter;
  private readonly errors: Counter;

  constructor(registry: Registry) {
    const labels = ['software', 'operation'];
    this.operations = new Counter({
      name: 'vice_provider_operations_total',
      help: 'Operations that were begun on environments',
      labelNames: labels,
      registers: [registry],
    });
    this.errors = new Counter({
      name: 'vice_provider_errors_total',
      help: 'Operations that environments failed, by error code',
      labelNames: [...labels, 'code'],
      registers: [registry],
    });
  }

  /** A series that appears with its first event would hide that event from every rate. */
  beginAtZero(software: string, operations: readonly string[]): void {
    for (const operation of operations) {
      this.operations.inc({ software, operation }, 0);
      for (const code of OF_ENVIRONMENTS) this.errors.inc({ software, operation, code }, 0);
    }
  }

  /** @param operation of the few that sessions have */
  began(software: string | null, operation: string): void {
    this.operations.inc({ software: softwareLabel(software), operation });
  }

  failed(software: string | null, operation: string, code: ErrorCode): void {
    this.errors.inc({ software: softwareLabel(software), operation, code });
  }
}
