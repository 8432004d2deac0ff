import { ViceError } from '#libs/errors';
import { Satellite as Calls } from './calls/methods.js';
import { type ImageDetails, type ImageVersion } from './calls/structs.js';
import { isUnexplained, saysNotFound } from './errors/call-errors.js';
import { allImages } from './image-list.js';
import { isId, parseReference } from './image-reference.js';
import { type Satellite } from './satellite.js';

export interface FoundVersion {
  details: ImageDetails;
  version: ImageVersion;
}

/**
 * The version that a reference means: `base/version`, the id of a version, or that of a base, which means its latest valid version. Raises
 * REMOTE_IMAGE_NOT_FOUND.
 */
export async function findVersion(satellite: Satellite, reference: string): Promise<FoundVersion> {
  const exact = parseReference(reference);
  if (exact) {
    const details = await detailsOf(satellite, exact.baseId);
    const version = details && versionIn(details, exact.versionId);
    if (details && version) return { details, version };
    throw notFound(satellite, reference);
  }
  const base = isId(reference) ? await detailsOf(satellite, reference) : null;
  if (base) {
    const version = latestValid(base);
    if (version) return { details: base, version };
    throw new ViceError(
      'REMOTE_IMAGE_NOT_FOUND',
      `no version of the image "${base.imageName ?? reference}" is valid on ${satellite.name}`,
    );
  }
  const found = isId(reference) ? await findByVersion(satellite, reference) : null;
  if (found) return found;
  throw notFound(satellite, reference);
}

/** Null where there is no such base. What a satellite refuses without a word it may not know: only that it is not listed tells. */
export async function detailsOf(satellite: Satellite, imageBaseId: string): Promise<ImageDetails | null> {
  try {
    return await satellite.call(Calls.getImageDetails, { imageBaseId }, `look at the image ${imageBaseId}`);
  } catch (error) {
    if (saysNotFound(error) || (isUnexplained(error) && !(await isListed(satellite, imageBaseId)))) return null;
    throw error;
  }
}

async function isListed(satellite: Satellite, baseId: string): Promise<boolean> {
  for await (const { imageBaseId } of allImages(satellite)) if (imageBaseId === baseId) return true;
  return false;
}

export const versionIn = ({ versions = [] }: ImageDetails, versionId: string): ImageVersion | undefined =>
  versions.find((version) => version.versionId === versionId);

/** What the satellite calls the latest, else the newest of those that are valid. */
function latestValid({ latestVersionId = '', versions = [] }: ImageDetails): ImageVersion | undefined {
  const valid = versions.filter(({ isValid }) => isValid);
  const newest = valid.toSorted((a, b) => Number((b.createTime ?? 0n) - (a.createTime ?? 0n)))[0];
  return valid.find(({ versionId }) => versionId === latestVersionId) ?? newest;
}

/** There is no call for it: the list tells the latest version of each image, and of those that may have others the details tell them. */
async function findByVersion(satellite: Satellite, versionId: string): Promise<FoundVersion | null> {
  const withOthers: string[] = [];
  for await (const { imageBaseId = '', latestVersionId, versionCount } of allImages(satellite)) {
    if (latestVersionId === versionId) return versionOf(await detailsOf(satellite, imageBaseId), versionId);
    if (versionCount === undefined || versionCount > (latestVersionId ? 1 : 0)) withOthers.push(imageBaseId);
  }
  for (const imageBaseId of withOthers) {
    const found = versionOf(await detailsOf(satellite, imageBaseId), versionId);
    if (found) return found;
  }
  return null;
}

function versionOf(details: ImageDetails | null, versionId: string): FoundVersion | null {
  const version = details && versionIn(details, versionId);
  return details && version ? { details, version } : null;
}

const notFound = (satellite: Satellite, reference: string) =>
  new ViceError('REMOTE_IMAGE_NOT_FOUND', `${satellite.name} has no image "${reference}"`);
