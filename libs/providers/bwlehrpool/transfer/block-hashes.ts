import { createHash } from 'node:crypto';
import { type DeployableImage } from '../../environment-provider.js';
import { blockCount, blockRange, type ByteRange } from './blocks.js';

const PIECE_BYTES = 2 ** 20;

/** The SHA-1 of each block. Reads the whole image, of which nothing counts as moved yet. */
export async function blockHashes(image: DeployableImage, signal: AbortSignal): Promise<Buffer[]> {
  const hashes: Buffer[] = [];
  const buffers = pieceBuffers(1);
  for (let index = 0; index < blockCount(image.size); index++) {
    const hash = createHash('sha1');
    for await (const piece of piecesOf(image, blockRange(index, image.size), buffers)) {
      signal.throwIfAborted();
      hash.update(piece);
    }
    hashes.push(hash.digest());
  }
  return hashes;
}

/** Buffers for `piecesOf`. */
export const pieceBuffers = (count: number): Buffer[] => Array.from({ length: count }, () => Buffer.allocUnsafeSlow(PIECE_BYTES));

/**
 * A part of an image, piece by piece. The buffers are used in turns, so that a piece is good until as many more have been asked for: to give the
 * collector of garbage two fresh buffers for each MiB takes a third of an upload's processor time.
 */
export async function* piecesOf(
  image: Pick<DeployableImage, 'read'>,
  { start, end }: ByteRange,
  buffers: readonly Buffer[],
): AsyncGenerator<Buffer> {
  for (let at = start, turn = 0; at < end; turn++) {
    const piece = await image.read(at, Math.min(PIECE_BYTES, end - at), buffers[turn % buffers.length]);
    if (piece.length === 0) throw new Error(`the image ends at byte ${at}, before byte ${end}`);
    yield piece;
    at += piece.length;
  }
}
