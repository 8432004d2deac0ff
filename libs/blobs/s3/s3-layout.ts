import { createHash } from 'node:crypto';
import { type Digest } from '#libs/contracts';
import { hexOf } from '../digest-hex.js';
import { checkedWriter, isWriter } from '../writer-name.js';

/** In no writer's name. */
const OF_SOURCE = '~';

/**
 * Where everything lies in the bucket. What a writer stages is a row of objects, each readable as soon as it is complete: parts of an unfinished
 * multipart upload are not, and a later attempt must hash what an earlier one has brought.
 *
 *     <prefix>
 *       blobs/sha256/ab/abcdef…         the bytes of blob sha256:abcdef…
 *       staging/check                   nothing: whether the store is ready is tried on it
 *       staging/<writer>/begun          this writer has begun
 *       staging/<writer>/000000         the first segment of what it has brought so far
 *       staging/<writer>/publishing     the multipart upload by which it puts the segments together
 *       staging/<writer>~<hash>/…       the same, of bytes of which it said what their source is
 */
export class S3Layout {
  readonly staging: string;
  /** Written to see whether it can be. */
  readonly check: string;

  constructor(private readonly prefix: string) {
    this.staging = `${prefix}staging/`;
    this.check = `${this.staging}check`;
  }

  /** The folder of what a writer stages, with a slash at its end. */
  staged(writer: string, source?: string): string {
    const ofSource = source === undefined ? '' : `${OF_SOURCE}${createHash('sha256').update(source).digest('hex').slice(0, 32)}`;
    return `${this.staging}${checkedWriter(writer)}${ofSource}/`;
  }

  /** What the keys of all folders of a writer begin with, and those of no other. */
  ofWriter(writer: string): string[] {
    const name = this.staging + checkedWriter(writer);
    return [`${name}/`, `${name}${OF_SOURCE}`];
  }

  /** Whose this key in staging is; null: no writer's. */
  writerOf(key: string): string | null {
    const [name = ''] = key.slice(this.staging.length).split('/');
    const [writer = ''] = name.split(OF_SOURCE);
    return isWriter(writer) ? writer : null;
  }

  begun = (folder: string): string => `${folder}begun`;

  publishing = (folder: string): string => `${folder}publishing`;

  segment = (folder: string, index: number): string => folder + String(index).padStart(6, '0');

  /** Which segment this key is, counted from 0; null: none. */
  segmentOf(folder: string, key: string): number | null {
    const name = key.slice(folder.length);
    return /^\d{6}$/.test(name) ? Number(name) : null;
  }

  blob(digest: Digest): string {
    const hex = hexOf(digest);
    return `${this.prefix}blobs/sha256/${hex.slice(0, 2)}/${hex}`;
  }
}
