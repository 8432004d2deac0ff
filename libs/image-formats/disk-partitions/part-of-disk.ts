import { type GuestDisk } from '../guest-disk/guest-disk.js';

/** A range of a disk as a disk of its own. The range must lie within the disk. */
export function partOfDisk(disk: GuestDisk, start: number, size: number): GuestDisk {
  if (start < 0 || size < 0 || start + size > disk.size)
    throw new RangeError(`${size} bytes at ${start} do not lie within a disk of ${disk.size}`);
  return {
    size,
    read: (position, length) => disk.read(start + position, length),
    isZero: (position, length) => disk.isZero(start + position, length),
  };
}
