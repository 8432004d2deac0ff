import { ViceError } from '#libs/errors';
import { type PromisedContent } from './blob-store.js';
import { type Algorithm } from './hashing/hash-thread.js';

/** The digest first; of the others only those that were promised, for each costs as much time again. */
export function algorithmsFor(promised: PromisedContent): Algorithm[] {
  return ['sha256', ...(['sha512', 'md5'] as const).filter((algorithm) => promised[algorithm] !== undefined)];
}

/** Raises CHECKSUM_MISMATCH where something else came than the source promised. */
export function checkPromise(promised: PromisedContent, size: number, checksums: Partial<Record<Algorithm, string>>): void {
  if (promised.size !== undefined && promised.size !== size) {
    throw new ViceError('CHECKSUM_MISMATCH', `the source promised ${promised.size} bytes, but ${size} came; try again`);
  }
  for (const algorithm of algorithmsFor(promised)) {
    const expected = promised[algorithm]?.toLowerCase();
    const actual = checksums[algorithm];
    if (expected !== undefined && expected !== actual) {
      throw new ViceError(
        'CHECKSUM_MISMATCH',
        `the source promised content with ${algorithm} ${expected}, but what came has ${actual}`,
      );
    }
  }
}
