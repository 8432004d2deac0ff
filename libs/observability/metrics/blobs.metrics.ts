import { Gauge, type Registry } from 'prom-client';
import { replaceValues } from './replace-values.js';

/** `original`: an image or a deployment refers to it; `variant`: made of such a one; `unreferenced`: neither, or not yet. */
export const BLOB_CLASSES = ['original', 'variant', 'unreferenced'] as const;
export type BlobClass = (typeof BLOB_CLASSES)[number];

export interface BlobsNow {
  classes: ReadonlyMap<BlobClass, { count: number; bytes: number }>;
  reservedBytes: number;
}

/** The blobs as the registry's ledger has them. */
export class BlobMetrics {
  private readonly bytes: Gauge;
  private readonly count: Gauge;
  private readonly reserved: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['class'];
    this.bytes = new Gauge({ name: 'vice_blob_bytes', help: 'Bytes of the blobs of a class', labelNames, registers });
    this.count = new Gauge({ name: 'vice_blob_objects', help: 'Blobs of a class', labelNames, registers });
    this.reserved = new Gauge({
      name: 'vice_blob_reserved_bytes',
      help: 'Space that is reserved for bytes on their way in',
      registers,
    });
  }

  /** undefined: nobody knows. */
  show(now: BlobsNow | undefined): void {
    const each = (what: 'bytes' | 'count') =>
      now && BLOB_CLASSES.map((name) => [{ class: name }, now.classes.get(name)?.[what] ?? 0] as const);
    replaceValues(this.bytes, each('bytes'));
    replaceValues(this.count, each('count'));
    replaceValues(this.reserved, now && [[{}, now.reservedBytes]]);
  }
}
