import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Digest } from '#libs/contracts';
import { hexOf } from '../digest-hex.js';
import { checkedWriter, isWriter } from '../writer-name.js';

/** In no writer's name. */
const OF_SOURCE = '~';

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
 *         <writer>~<hash>  bytes of which it said what their source is: in the name, so that neither is ever there without the other
 */
export class Layout {
  readonly staging: string;
  readonly blobs: string;

  constructor(readonly root: string) {
    this.staging = join(root, 'staging');
    this.blobs = join(root, 'blobs', 'sha256');
  }

  staged(writer: string, source?: string): string {
    const ofSource = source === undefined ? '' : `${OF_SOURCE}${createHash('sha256').update(source).digest('hex').slice(0, 32)}`;
    return join(this.staging, checkedWriter(writer) + ofSource);
  }

  /** Whose bytes a file of this name in staging has; null: no writer's. */
  writerOf(name: string): string | null {
    const [writer = ''] = name.split(OF_SOURCE);
    return isWriter(writer) ? writer : null;
  }

  /** The folder that the blob lies in. */
  shard(digest: Digest): string {
    return join(this.blobs, hexOf(digest).slice(0, 2));
  }

  blob(digest: Digest): string {
    return join(this.shard(digest), hexOf(digest));
  }
}
