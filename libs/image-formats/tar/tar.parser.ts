import { invalid, truncated } from '../refusal.js';
import { addExtension, applyExtensions, isExtension, MAX_EXTENSION_BYTES, type TarExtensions } from './tar.extensions.js';
import { BLOCK, isTarHeader, parseTarHeader, type TarHeader } from './tar.header.js';

/**
 * The archive, cut into pieces in its own order; their `bytes` put together are the archive again.
 * An `entry` is followed by its `body` pieces (none for an empty one) and `padding`; `end` pieces are the zeros that close the archive.
 */
export type TarPiece = { kind: 'entry'; header: TarHeader; bytes: Buffer } | { kind: 'body' | 'padding' | 'end'; bytes: Buffer };

/** How strictly an archive has to be closed. Layers in the wild lack the closing zeros; their digest says that they are whole. */
export type TarClosing = 'closed' | 'open';

const isZero = (block: Buffer): boolean => block.every((byte) => byte === 0);

/**
 * A push parser that reads what Go's archive/tar reads, the reader in a Docker Engine, and refuses what readers understand differently.
 * It is our own because it must hand out headers as they stand (to pass an archive on unchanged), tell a truncated archive from a whole one, and
 * get through layers of 100,000 entries without a stream for each.
 */
export class TarParser {
  private partial: Buffer = Buffer.alloc(0);
  private headers: Buffer[] = [];
  private extensions: TarExtensions = {};
  private extension: { header: TarHeader; chunks: Buffer[] } | null = null;
  private sparseEntry: TarHeader | null = null;
  private bodyLeft = 0;
  private paddingLeft = 0;
  private zeroBlocks = 0;
  private begun = false;

  constructor(private readonly closing: TarClosing) {}

  /** Pieces of this chunk share its memory. Throws CONTENT_INVALID. */
  *push(chunk: Buffer): Generator<TarPiece> {
    let at = 0;
    while (at < chunk.length) {
      if (this.bodyLeft > 0 || this.paddingLeft > 0) {
        const kind = this.bodyLeft > 0 ? 'body' : 'padding';
        const bytes = chunk.subarray(at, at + (this.bodyLeft || this.paddingLeft));
        at += bytes.length;
        if (kind === 'body') this.bodyLeft -= bytes.length;
        else this.paddingLeft -= bytes.length;
        if (!this.extension) yield { kind, bytes };
        else this.collectExtension(kind, bytes);
        continue;
      }
      const needed = BLOCK - this.partial.length;
      const bytes = chunk.subarray(at, at + needed);
      at += bytes.length;
      const block = this.partial.length === 0 ? bytes : Buffer.concat([this.partial, bytes]);
      if (block.length < BLOCK) {
        this.partial = block;
        return;
      }
      this.partial = Buffer.alloc(0);
      yield* this.takeBlock(block);
    }
  }

  /** To be called after the last chunk. Throws CONTENT_TRUNCATED where more had to come. */
  finish(): void {
    const amidst = this.bodyLeft > 0 || this.paddingLeft > 0 || this.partial.length > 0 || this.headers.length > 0;
    if (this.zeroBlocks < 2) {
      if (amidst) throw truncated('the tar archive ends in the middle of an entry');
    } else if (this.closing === 'closed' && !isZero(this.partial)) {
      throw invalid('the tar archive is followed by other data');
    }
    if (this.closing === 'closed' && this.zeroBlocks === 0) throw truncated('the tar archive ends without its closing zeros');
  }

  private *takeBlock(block: Buffer): Generator<TarPiece> {
    if (this.zeroBlocks >= 2 || (this.headers.length === 0 && isZero(block))) {
      yield* this.takeEnd(block);
      return;
    }
    if (this.zeroBlocks === 1) throw invalid('the tar archive goes on after its end');
    this.headers.push(block);
    if (this.sparseEntry) {
      yield* this.takeSparseMap(block, 504);
      return;
    }
    if (!this.begun && !isTarHeader(block)) throw invalid('the content is not a tar archive');
    this.begun = true;
    const header = parseTarHeader(block);
    if (isExtension(header)) this.beginExtension(header);
    else if (header.flag === 'S') {
      this.sparseEntry = header;
      yield* this.takeSparseMap(block, 482);
    } else yield this.beginEntry(header);
  }

  private *takeEnd(block: Buffer): Generator<TarPiece> {
    if (this.zeroBlocks < 2) this.zeroBlocks++;
    else if (this.closing === 'closed' && !isZero(block)) throw invalid('the tar archive is followed by other data');
    yield { kind: 'end', bytes: block };
  }

  /** An old GNU sparse entry may have blocks of map between header and body; the byte at `more` says whether another follows. */
  private *takeSparseMap(block: Buffer, more: number): Generator<TarPiece> {
    if (block[more] !== 0 || !this.sparseEntry) return;
    const header = this.sparseEntry;
    this.sparseEntry = null;
    yield this.beginEntry(header);
  }

  private beginEntry(plain: TarHeader): TarPiece {
    const header = applyExtensions(plain, this.extensions);
    const bytes = this.headers.length === 1 ? this.headers[0]! : Buffer.concat(this.headers);
    this.headers = [];
    this.extensions = {};
    this.expectBody(header.size);
    return { kind: 'entry', header, bytes };
  }

  private beginExtension(header: TarHeader): void {
    if (header.size > MAX_EXTENSION_BYTES) throw invalid('a tar header is larger than 1 MiB');
    if (this.headers.reduce((sum, part) => sum + part.length, 0) > 4 * MAX_EXTENSION_BYTES) {
      throw invalid('a tar entry has too many headers');
    }
    this.extension = { header, chunks: [] };
    this.expectBody(header.size);
    if (header.size === 0) this.endExtension();
  }

  private collectExtension(kind: 'body' | 'padding', bytes: Buffer): void {
    this.headers.push(bytes);
    if (kind === 'body') this.extension!.chunks.push(bytes);
    if (this.bodyLeft === 0 && this.paddingLeft === 0) this.endExtension();
  }

  private endExtension(): void {
    const { header, chunks } = this.extension!;
    this.extension = null;
    addExtension(this.extensions, header, Buffer.concat(chunks));
  }

  private expectBody(size: number): void {
    this.bodyLeft = size;
    this.paddingLeft = (BLOCK - (size % BLOCK)) % BLOCK;
  }
}
