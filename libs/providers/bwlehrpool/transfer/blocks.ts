import { createHash } from 'node:crypto';

/** Files are checked, skipped and asked for by blocks of so many bytes; the last one is shorter. */
export const BLOCK_BYTES = 16 * 2 ** 20;

/** A part of a file; `end` is exclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

export const blockCount = (size: number): number => Math.ceil(size / BLOCK_BYTES);

export const blockRange = (index: number, size: number): ByteRange => ({
  start: index * BLOCK_BYTES,
  end: Math.min((index + 1) * BLOCK_BYTES, size),
});

/** A text for the whole list of a file's block hashes, which is long for a large file. */
export const digestOfHashes = (hashes: readonly Buffer[]): string => {
  const digest = createHash('sha256');
  for (const hash of hashes) digest.update(hash);
  return digest.digest('hex');
};
