import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type DeployableImage, type DeploymentReceipt } from '../environment-provider.js';
import { type ImageDetails, type ImageVersion } from './calls/structs.js';
import { versionIn } from './find-version.js';
import { withoutMarks } from './image-names.js';
import { referenceText } from './image-reference.js';
import { BLOCK_BYTES, digestOfHashes } from './transfer/blocks.js';

/** Of a longer list, a digest has to do: 4096 blocks are 64 GiB. */
const MAX_LISTED_HASHES = 4096;

/** What the satellite says that it holds. */
export function receiptOf(details: ImageDetails, version: ImageVersion): DeploymentReceipt {
  const { imageBaseId = '', imageName = '', virtId = '', osId } = details;
  const { versionId = '', fileSize = 0n, isValid = false } = version;
  const facts: JsonObject = {
    imageBaseId,
    versionId,
    name: withoutMarks(imageName),
    virtId,
    osId: osId ?? null,
    size: Number(fileSize),
    valid: isValid,
  };
  return { reference: referenceText(imageBaseId, versionId), facts };
}

/** Whether the satellite holds so many bytes as a version that can be used. */
export const isWhole = ({ fileSize, isValid }: ImageVersion, size: number): boolean =>
  isValid === true && Number(fileSize) === size;

/**
 * The same with the SHA-1 of each block: it was by these that the satellite checked what it got before it called the upload finished. Raises
 * RECEIPT_MISMATCH where it holds something else, or what nobody can use.
 */
export function comparedReceipt(
  details: ImageDetails,
  versionId: string,
  image: DeployableImage,
  hashes: readonly Buffer[],
): DeploymentReceipt {
  const version = versionIn(details, versionId);
  if (!version || !isWhole(version, image.size)) throw new ViceError('RECEIPT_MISMATCH', mismatchOf(version, image.size));
  const { reference, facts } = receiptOf(details, version);
  const listed: JsonObject = hashes.length <= MAX_LISTED_HASHES ? { blockSha1: hashes.map((hash) => hash.toString('hex')) } : {};
  const blocks = { blockBytes: BLOCK_BYTES, blocks: hashes.length, sha256OfBlockSha1: digestOfHashes(hashes) };
  return { reference, facts: { ...facts, ...blocks, ...listed } };
}

function mismatchOf(version: ImageVersion | undefined, size: number): string {
  if (!version) return 'the satellite called the upload finished, but has no such version of the image';
  if (Number(version.fileSize) === size)
    return 'the satellite called the upload finished, but the image not valid: it is uploaded anew';
  return `the satellite holds ${version.fileSize} bytes of the image, and not the ${size} that were sent`;
}
