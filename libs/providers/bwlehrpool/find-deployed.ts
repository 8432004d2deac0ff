import { type ImageDetails } from './calls/structs.js';
import { detailsOf } from './find-version.js';
import { allImages } from './image-list.js';
import { markerIn } from './image-names.js';
import { parseReference } from './image-reference.js';
import { type Satellite } from './satellite.js';

/**
 * The images that carry the marker of a deployment, in the name or in the description: one, or several where a call got lost after it was heard. Only the
 * user's own count, because anybody may write anything into the name of an image of theirs.
 * @param reference what a former attempt noted. It counts also where its marker was edited away, but never where it belongs to another deployment.
 */
export async function findDeployed(satellite: Satellite, marker: string, reference?: string): Promise<ImageDetails[]> {
  const { me } = await satellite.whoWeAre();
  const ids = new Set<string>();
  for await (const image of allImages(satellite)) {
    const isOurs = image.ownerId === undefined || image.ownerId === me.userId;
    if (isOurs && markerIn(image) === marker) ids.add(image.imageBaseId ?? '');
  }
  const noted = reference === undefined ? null : parseReference(reference);
  if (noted) ids.add(noted.baseId);
  const found: ImageDetails[] = [];
  for (const id of ids) {
    const details = await detailsOf(satellite, id);
    if (details && [null, marker].includes(markerIn(details))) found.push(details);
  }
  return found;
}
