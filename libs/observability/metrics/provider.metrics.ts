import { Counter, type Registry } from 'prom-client';
import { type ErrorCode } from '#libs/errors';
import { softwareLabel } from './software-label.js';

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

  /** @param operation of the few that sessions have */
  began(software: string | null, operation: string): void {
    this.operations.inc({ software: softwareLabel(software), operation });
  }

  failed(software: string | null, operation: string, code: ErrorCode): void {
    this.errors.inc({ software: softwareLabel(software), operation, code });
  }
}
