/** A disk as its guest sees it, whatever format it is kept in. */
export interface GuestDisk {
  /** In bytes; a multiple of 512. */
  readonly size: number;
  /** Exactly these bytes; the range lies within the disk. What is answered belongs to the caller. */
  read(position: number, length: number): Promise<Buffer>;
  /** Whether the format says that all of this range is zeros, so that it need not be read; false where it cannot tell. */
  isZero(position: number, length: number): Promise<boolean>;
}
