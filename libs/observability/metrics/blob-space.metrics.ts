import { Gauge, type Registry } from 'prom-client';
import { replaceValues } from './replace-values.js';
import { type Scrape } from './scrape.js';

/** In bytes. */
export interface BlobSpace {
  free: number;
  capacity: number;
}

/** The place that the blob store has. A store without bounds has none of these series. */
export class BlobSpaceMetrics {
  private readonly free: Gauge;
  private readonly capacity: Gauge;
  private watched = false;

  constructor(
    registry: Registry,
    private readonly scrape: Scrape,
  ) {
    const registers = [registry];
    this.free = new Gauge({ name: 'vice_blob_free_bytes', help: 'Bytes that the blob store has left', registers });
    this.capacity = new Gauge({ name: 'vice_blob_capacity_bytes', help: 'Bytes that the blob store holds at most', registers });
    this.show(undefined);
  }

  /**
   * Has it looked at with every scrape. Services of one process share one store: it is looked at once.
   * @param space nothing of a store without bounds; rejects where the store does not answer
   */
  watch(space: () => Promise<BlobSpace | void>): void {
    if (this.watched) return;
    this.watched = true;
    this.scrape.read({ blobStore: space }, ({ blobStore }) => this.show(blobStore ?? undefined));
  }

  private show(space: BlobSpace | undefined): void {
    replaceValues(this.free, space && [[{}, space.free]]);
    replaceValues(this.capacity, space && [[{}, space.capacity]]);
  }
}
