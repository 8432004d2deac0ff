/** A run of a disk's bytes that its format keeps in one way, from some position to `end`; positions in the disk, in bytes. */
export type Run = ZeroRun | DataRun | PackedRun;

export interface ZeroRun {
  kind: 'zeros';
  end: number;
}

export interface DataRun {
  kind: 'data';
  end: number;
  /** Where in the content the run's first byte is. */
  offset: number;
}

/** Part of a cluster that is kept compressed. */
export interface PackedRun {
  kind: 'packed';
  end: number;
  /** Where in the disk the cluster begins. */
  start: number;
  /** The whole cluster. */
  unpack(): Promise<Buffer>;
}

/** What one table, or a piece of it, says of the disk, up to `end`. */
export interface MapPart {
  readonly end: number;
  runAt(position: number): Run;
}

/** Where a format keeps a disk's bytes. */
export interface DiskMap {
  /** In bytes; a multiple of 512. */
  readonly size: number;
  /** The part that holds this position. It comes at once where its table is in memory. */
  partAt(position: number): MapPart | Promise<MapPart>;
}

export const zerosTo = (end: number): MapPart => ({ end, runAt: () => ({ kind: 'zeros', end }) });
