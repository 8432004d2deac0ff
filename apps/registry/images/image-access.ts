import { isUUID } from 'class-validator';
import { ViceError } from '#libs/errors';
import { ImageEntity, type Transaction } from '../database/index.js';

/**
 * The user's own image, locked until the transaction ends. Its live jobs are locked before it: the order in which the end of a job takes
 * its locks. Raises IMAGE_NOT_FOUND, or FORBIDDEN where it is another user's public one.
 */
export async function lockOwnImage(tx: Transaction, userId: string, imageId: string): Promise<ImageEntity> {
  if (!isUUID(imageId)) throw noSuchImage(imageId);
  await tx.manager.query(
    `SELECT 1 FROM jobs WHERE image_id = $1 AND user_id = $2 AND state IN ('queued', 'running') ORDER BY id FOR UPDATE`,
    [imageId, userId],
  );
  const image = await tx.manager.findOne(ImageEntity, { where: { id: imageId }, lock: { mode: 'pessimistic_write' } });
  requireOwner(image, userId, imageId);
  return image;
}

/**
 * An image that the viewer (null: someone who has not logged in) may see. The lock keeps it from letting go of its content before the
 * transaction ends. Raises IMAGE_NOT_FOUND.
 */
export async function lockVisibleImage(tx: Transaction, viewer: string | null, imageId: string): Promise<ImageEntity> {
  const image = isUUID(imageId)
    ? await tx.manager.findOne(ImageEntity, { where: { id: imageId }, lock: { mode: 'pessimistic_read' } })
    : null;
  if (!image || (image.visibility !== 'public' && image.userId !== viewer)) throw noSuchImage(imageId);
  return image;
}

/** Raises IMAGE_NOT_FOUND where the user may not even see it, FORBIDDEN where they may only see it. */
export function requireOwner<I extends Pick<ImageEntity, 'userId' | 'visibility'>>(
  image: I | null | undefined,
  userId: string,
  imageId: string,
): asserts image is I {
  if (image?.userId === userId) return;
  if (image?.visibility === 'public')
    throw new ViceError('FORBIDDEN', `image ${imageId} belongs to another user: you can read and deploy it, not change it`);
  throw noSuchImage(imageId);
}

export const noSuchImage = (imageId: string): ViceError => new ViceError('IMAGE_NOT_FOUND', `image ${imageId} does not exist`);

export const noContent = ({ id, status }: Pick<ImageEntity, 'id' | 'status'>): ViceError =>
  new ViceError('IMAGE_HAS_NO_CONTENT', `image ${id} has no content yet: it is ${status}`);
