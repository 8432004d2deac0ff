import { createHash } from 'node:crypto';
import { type DeployableImage } from '../../environment-provider.js';
import { blockCount, blockRange, type ByteRange } from './blocks.js';

const PIECE_BYTES = 2 ** 20;

/** The SHA-1 of each block. Reads the whole image, of which nothing counts as moved yet. */
export async function blockHashes(image: DeployableImage, signal: AbortSignal): Promise<Buffer[]> {
  const hashes: Buffer[] = [];
  for (let index = 0; index < blockCount(image.size); index++) {
    const hash = createHash('sha1');
    for await (const piece of piecesOf(image, blockRange(index, image.size))) {
      signal.throwIfAborted();
      hash.update(piece);
    }
    hashes.push(hash.digest());
  }
  return hashes;
}

/** A part of an image, in pieces that are small in memory. */
export async function* piecesOf(image: Pick<DeployableImage, 'read'>, { start, end }: ByteRange): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const piece = await image.read(at, Math.min(PIECE_BYTES, end - at));
    if (piece.length === 0) throw new Error(`the image ends at byte ${at}, before byte ${end}`);
    yield piece;
    at += piece.length;
  }
}
