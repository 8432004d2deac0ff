/** A disk as its guest sees it, whatever format it is kept in. */
export interface GuestDisk {
  /** In bytes; a multiple of 512. */
  readonly size: number;
  /**
   * Exactly these bytes; the range lies within the disk. What is answered belongs to the caller; `into`, at least as long, may be given for the bytes:
   * what is answered is then its start. Raises CONTENT_INVALID and CONTENT_TRUNCATED for what is damaged.
   */
  read(position: number, length: number, into?: Buffer): Promise<Buffer>;
  /** Whether the format says that all of this range is zeros, so that it need not be read; false where it cannot tell. */
  isZero(position: number, length: number): Promise<boolean>;
}
