import { Readable } from 'node:stream';
import { ViceError } from '#libs/errors';
import { type RemoteImage } from '../environment-provider.js';
import { contentTypeOf, instantOf, isPassing, metadataOf, whyNotImportable, type ImageRecord } from './image-record.js';
import { type ImageService } from './image-service.js';
import { resumed } from './resumed-download.js';

const BUFFERED_BYTES = 2 ** 20;
/** Of the images that have one name, so many are named. */
const NAMED = 10;

/** By id, or by a name that only one image has. Raises REMOTE_IMAGE_NOT_FOUND. */
export async function describeImage(images: ImageService, reference: string): Promise<RemoteImage> {
  return describedRecord(await foundRecord(images, reference));
}

/** Raises ENVIRONMENT_BUSY while there is no data yet, ENVIRONMENT_REFUSED for what cannot be imported. */
export function describedRecord(record: ImageRecord): RemoteImage {
  const { id, name, size, created_at: created } = record;
  const why = whyNotImportable(record);
  if (why !== null) {
    throw new ViceError(
      isPassing(record) ? 'ENVIRONMENT_BUSY' : 'ENVIRONMENT_REFUSED',
      `the image ${name ?? id} cannot be imported: ${why}`,
    );
  }
  return {
    reference: id,
    name: name || null,
    contentType: contentTypeOf(record),
    size,
    checksums: checksumsOf(record),
    createdAt: instantOf(created),
    metadata: metadataOf(record),
  };
}

/** Over as many connections as it takes. */
export function readImage(images: ImageService, { reference, size }: RemoteImage, offset: number, signal: AbortSignal): Readable {
  const bytes = resumed((from) => images.download(reference, from), { offset, size }, signal);
  return Readable.from(bytes, { objectMode: false, highWaterMark: BUFFERED_BYTES });
}

async function foundRecord(images: ImageService, reference: string): Promise<ImageRecord> {
  const byId = /^[\w-]+$/.test(reference) ? await images.find(reference) : null;
  if (byId) return byId;
  const named = (await candidates(images, reference)).filter(({ name }) => name === reference);
  const [only, ...others] = named;
  if (only === undefined) throw new ViceError('REMOTE_IMAGE_NOT_FOUND', `the project has no image "${reference}"`);
  if (others.length > 0) {
    throw new ViceError(
      'REMOTE_IMAGE_NOT_FOUND',
      `several images have the name "${reference}": name one by its id: ${named
        .slice(0, NAMED)
        .map(({ id }) => id)
        .join(', ')}`,
    );
  }
  return only;
}

/** The cloud compares as its database does, mostly without regard to case, and takes a colon in a name for an operator. */
async function candidates(images: ImageService, name: string): Promise<ImageRecord[]> {
  if (!name.includes(':')) return images.all({ name });
  return /["\\]/.test(name) ? images.all({}) : images.all({ name: `in:"${name}"` });
}

/** One that the service makes sure of, and that costs us the least. */
function checksumsOf({ os_hash_algo: algorithm, os_hash_value: value, checksum }: ImageRecord): RemoteImage['checksums'] {
  if (value && (algorithm === 'sha512' || algorithm === 'sha256')) return { [algorithm]: value };
  return checksum ? { md5: checksum } : {};
}
