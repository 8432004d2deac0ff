import { createHash, getHashes } from 'node:crypto';
import { ViceError } from '#libs/errors';
import { type DeployableImage, type DeploymentReceipt } from '../environment-provider.js';
import { type ImageRecord } from './image-record.js';

/** What the cloud says that it holds. */
export function receiptOf(record: ImageRecord): DeploymentReceipt {
  const { id, status, size, disk_format, checksum = null, os_hash_algo = null, os_hash_value = null } = record;
  return { reference: id, facts: { imageId: id, status, size, disk_format, checksum, os_hash_algo, os_hash_value } };
}

/**
 * The same with what was compared: the checksum that the cloud computed while it stored the bytes. Raises RECEIPT_MISMATCH.
 * @param sha512 of what was sent, in hexadecimal
 */
export async function comparedReceipt(record: ImageRecord, image: DeployableImage, sha512: string): Promise<DeploymentReceipt> {
  const { reference, facts } = receiptOf(record);
  const { algorithm, value } = checksumOf(record);
  const ours = algorithm === 'sha512' ? sha512 : await digestOf(image, algorithm);
  if (record.size === image.size && value === ours) return { reference, facts: { ...facts, verified: algorithm } };
  throw new ViceError(
    'RECEIPT_MISMATCH',
    `the cloud holds ${record.size} bytes with ${algorithm} ${value}, but ${image.size} bytes with ${ours} were sent`,
  );
}

/** Older clouds have only the MD5; what a cloud hashes by is its operator's choice. */
function checksumOf({ id, os_hash_algo, os_hash_value, checksum }: ImageRecord): { algorithm: string; value: string } {
  if (os_hash_algo && os_hash_value && getHashes().includes(os_hash_algo))
    return { algorithm: os_hash_algo, value: os_hash_value };
  if (checksum) return { algorithm: 'md5', value: checksum };
  throw new ViceError('ENVIRONMENT_FAILED', `the cloud tells no checksum of the image ${id} that could be compared`);
}

/** Of all bytes, in hexadecimal; `algorithm` by OpenSSL's name. */
export async function digestOf(image: DeployableImage, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of (await image.open()) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
