import { DEPLOYMENT, isSnapshot, type ImageRecord } from './image-record.js';
import { type ImageService } from './image-service.js';

/** Every record that was made for a deployment: by its id, which may be the marker, and by the marker among its properties. */
export async function deploymentRecords(images: ImageService, marker: string, reference?: string): Promise<ImageRecord[]> {
  const ids = [marker, ...(reference !== undefined && reference !== marker ? [reference] : [])];
  const byId = await Promise.all(ids.map((id) => images.find(id)));
  const byProperty = await images.all({ [DEPLOYMENT]: marker });
  const all = new Map([...byId, ...byProperty].filter((record) => record !== null).map((record) => [record.id, record]));
  return [...all.values()].filter((record) => isOf(record, marker));
}

/**
 * A cloud that keeps no properties leaves only the id, which was noted before it was used. A snapshot of a server that was started from our image
 * inherits its properties, but is its user's.
 */
const isOf = (record: ImageRecord, marker: string) =>
  record.id === marker || ((record[DEPLOYMENT] ?? marker) === marker && !isSnapshot(record));
