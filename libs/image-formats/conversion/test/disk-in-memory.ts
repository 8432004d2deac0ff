import { type GuestDisk } from '../../guest-disk/guest-disk.js';

/** A raw disk that knows nothing of zeros. */
export function diskInMemory(bytes: Buffer): GuestDisk {
  return {
    size: bytes.length,
    read: (position, length) => {
      if (position < 0 || position + length > bytes.length) throw new RangeError(`${length} bytes at ${position} are outside`);
      return Promise.resolve(Buffer.from(bytes.subarray(position, position + length)));
    },
    isZero: () => Promise.resolve(false),
  };
}
