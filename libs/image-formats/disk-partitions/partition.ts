/** A part of a disk that a partition table names. It lies within the disk. */
export interface Partition {
  /** As Linux counts it: 1 is `/dev/sda1`. */
  number: number;
  /** In bytes. */
  start: number;
  size: number;
  /** What `PARTUUID=` means, in lower case. */
  uuid: string;
  /** What `PARTLABEL=` means; '' where it has none. */
  label: string;
}

/** More partitions than this nobody has. */
export const MAX_PARTITIONS = 256;
