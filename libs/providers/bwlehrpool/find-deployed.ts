import { type ImageDetails, type ImageSummary, type UserInfo } from './calls/structs.js';
import { detailsOf } from './find-version.js';
import { allImages } from './image-list.js';
import { isInTheMaking, markerIn } from './image-names.js';
import { parseReference } from './image-reference.js';
import { type Satellite } from './satellite.js';

/**
 * The images of a deployment, the noted one first: those that carry its marker in the name or in the description; several where a call got lost after it was
 * heard. Only the user's own count, because anybody may write anything into the name of an image of theirs.
 * @param reference what a former attempt noted. It counts also where its marker was edited away, but never where it belongs to another deployment. An image is
 * noted before it is finished: where there is a note, another finished one with the marker is a copy that the user has made, whether ours is still there or not.
 */
export async function findDeployed(satellite: Satellite, marker: string, reference?: string): Promise<ImageDetails[]> {
  const isNotForeign = (image: ImageDetails) => [null, marker].includes(markerIn(image));
  const noted = reference === undefined ? null : parseReference(reference);
  const there = noted && (await detailsOf(satellite, noted.baseId));
  const isNoteOurs = noted !== null && (there === null || isNotForeign(there));
  const { me } = await satellite.whoWeAre();
  const found = there && isNoteOurs ? [there] : [];
  for await (const image of allImages(satellite)) {
    const { imageBaseId = '' } = image;
    if (imageBaseId === noted?.baseId || markerIn(image) !== marker) continue;
    if (!isOf(me, image) || (isNoteOurs && !isInTheMaking(image))) continue;
    const details = await detailsOf(satellite, imageBaseId);
    if (details && isNotForeign(details)) found.push(details);
  }
  return found;
}

/** Where nothing says who we are, by our rights: the owner has all of them. */
const isOf = ({ userId }: UserInfo, { ownerId, userPermissions }: ImageSummary): boolean =>
  userId === undefined ? userPermissions?.admin === true : ownerId === undefined || ownerId === userId;
