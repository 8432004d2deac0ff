import { Readable } from 'node:stream';
import { ViceError, type ErrorCode } from '#libs/errors';
import { type Metrics } from '#libs/observability';
import { type EnvironmentSession } from './environment-provider.js';
import { isOperation } from './session-operations.js';

/** What comes out of an operation although the environment did nothing wrong: it is our own job, registry or store that failed. */
const OURS: ReadonlySet<ErrorCode> = new Set([
  'JOB_CANCELLED',
  'JOB_FENCED',
  'LEASE_LOST',
  'UNAVAILABLE',
  'BLOB_NOT_FOUND',
  'STORAGE_FULL',
]);

/** Counts what is asked of environments of one software, and how that fails. What ends because its job was told to stop counts as no error. */
export class OperationCounter {
  constructor(
    private readonly metrics: Metrics,
    private readonly software: string | null,
    private readonly signal: AbortSignal,
  ) {}

  async count<T>(operation: string, run: () => Promise<T>): Promise<T> {
    this.metrics.providers.began(this.software, operation);
    try {
      return await run();
    } catch (error) {
      this.failed(operation, ViceError.from(error));
      throw error;
    }
  }

  /** The same session, counted. A stream that it gives counts when it fails, too. */
  session<Session extends EnvironmentSession>(session: Session): Session {
    return new Proxy(session, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (!isOperation(name)) return (...values: unknown[]): unknown => value.apply(target, values);
        return (...values: unknown[]) =>
          this.count(String(name), () => this.operation(String(name), value.apply(target, values)));
      },
    });
  }

  private async operation(name: string, result: Promise<unknown>): Promise<unknown> {
    const value = await result;
    // Whatever the reader breaks the stream with passes here as well: only what the provider has put into words is the environment's.
    if (value instanceof Readable) value.once('error', (error) => error instanceof ViceError && this.failed(name, error));
    return value;
  }

  private failed(operation: string, { code }: ViceError): void {
    if (this.signal.aborted && this.signal.reason instanceof ViceError) return;
    // Aborted for any other reason, time was over.
    const real = this.signal.aborted ? 'ENVIRONMENT_UNREACHABLE' : code;
    if (!OURS.has(real)) this.metrics.providers.failed(this.software, operation, real);
  }
}
