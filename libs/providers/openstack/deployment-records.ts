import { DEPLOYMENT, type ImageRecord } from './image-record.js';
import { type ImageService } from './image-service.js';

const LIMIT = 100;

/** Every record that was made for a deployment: by its id, which may be the marker, and by the marker among its properties. */
export async function deploymentRecords(images: ImageService, marker: string, reference?: string): Promise<ImageRecord[]> {
  const ids = [marker, ...(reference !== undefined && reference !== marker ? [reference] : [])];
  const byId = await Promise.all(ids.map((id) => images.find(id)));
  const byProperty = await images.list({ [DEPLOYMENT]: marker, limit: LIMIT });
  const all = new Map([...byId, ...byProperty].filter((record) => record !== null).map((record) => [record.id, record]));
  return [...all.values()].filter((record) => isOf(record, marker));
}

/** A cloud that keeps no properties leaves only the id, which was noted before it was used. */
const isOf = (record: ImageRecord, marker: string) => (record[DEPLOYMENT] ?? marker) === marker;
