import { type DeployedThing } from '../environment-provider.js';
import { Satellite as Calls } from './calls/methods.js';
import { type ImageDetails } from './calls/structs.js';
import { saysNotFound } from './errors/call-errors.js';
import { findDeployed } from './find-deployed.js';
import { detailsOf, versionIn } from './find-version.js';
import { parseReference } from './image-reference.js';
import { type Satellite } from './satellite.js';
import { isForgotten } from './transfer/upload-status.js';

/**
 * Takes the version of a deployment away, and the image when nothing else is in it: somebody may have put versions of their own there. While the satellite
 * has it in use it says so, and the removal is tried again later.
 */
export async function removeDeployment(satellite: Satellite, { marker, reference }: DeployedThing): Promise<void> {
  for (const image of await findDeployed(satellite, marker, reference)) await removeImage(satellite, image, reference);
}

/** @param reference what a former attempt noted, of this image or of another one */
export async function removeImage(satellite: Satellite, details: ImageDetails, reference?: string): Promise<void> {
  const { imageBaseId = '', versions = [] } = details;
  const noted = reference === undefined ? null : parseReference(reference);
  const versionId = noted?.baseId === imageBaseId ? noted.versionId : versions.length === 1 ? versions[0]!.versionId : undefined;
  if (versionId !== undefined) {
    const version = versionIn(details, versionId);
    // A satellite may list the version of an upload from the request on: to remove that does not end the upload.
    if (noted?.port !== undefined || !version?.isValid) await cancelUpload(satellite, versionId);
    if (version) await removeVersion(satellite, versionId);
  }
  const left = await detailsOf(satellite, imageBaseId);
  // A satellite may go on to list a version that was just deleted, until it has cleared it away.
  const others = left?.versions?.filter((version) => version.versionId !== versionId) ?? [];
  if (left && others.length === 0)
    await gone(satellite.call(Calls.deleteImageBase, { imageBaseId }, `remove the image ${imageBaseId}`));
}

const removeVersion = (satellite: Satellite, imageVersionId: string): Promise<void> =>
  gone(satellite.call(Calls.deleteImageVersion, { imageVersionId }, `remove the version ${imageVersionId} of the image`));

async function cancelUpload(satellite: Satellite, uploadToken: string): Promise<void> {
  await satellite.call(Calls.cancelUpload, { uploadToken }, 'end the upload').catch((error: unknown) => {
    if (!isForgotten(error)) throw error;
  });
}

/** What is gone already need not be removed. */
async function gone(removal: Promise<void>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!saysNotFound(error)) throw error;
  });
}
