import { join } from 'node:path';
import { type Digest } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { checkedWriter } from '../writer-name.js';

const DIGEST = /^sha256:([0-9a-f]{64})$/;

/**
 * Where everything lies. Staging is inside the same root, so that publishing is a rename within one filesystem.
 *
 *     <root>/
 *       blobs/
 *         sha256/
 *           ab/
 *             abcdef…      the bytes of blob sha256:abcdef…, complete and durable
 *       staging/
 *         <job id>.<attempt>
 *         upload-<id>      the bytes that this writer has brought so far, or the folder in which it works
 */
export class Layout {
  readonly staging: string;
  readonly blobs: string;

  constructor(readonly root: string) {
    this.staging = join(root, 'staging');
    this.blobs = join(root, 'blobs', 'sha256');
  }

  staged(writer: string): string {
    return join(this.staging, checkedWriter(writer));
  }

  /** The folder that the blob lies in. */
  shard(digest: Digest): string {
    return join(this.blobs, hexOf(digest).slice(0, 2));
  }

  blob(digest: Digest): string {
    return join(this.shard(digest), hexOf(digest));
  }
}

function hexOf(digest: Digest): string {
  const hex = DIGEST.exec(digest)?.[1];
  if (hex === undefined)
    throw new ViceError('INTERNAL', `'${digest}' is not a digest: expected sha256:<64 lower-case hexadecimal digits>`);
  return hex;
}
