import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';

const DIGEST = /^sha256:([0-9a-f]{64})$/;

/** The digits of a digest, for use in a path. Raises INTERNAL for what is no digest. */
export function hexOf(digest: Digest): string {
  const hex = DIGEST.exec(digest)?.[1];
  if (hex === undefined)
    throw new ViceError('INTERNAL', `'${digest}' is not a digest: expected sha256:<64 lower-case hexadecimal digits>`);
  return hex;
}
