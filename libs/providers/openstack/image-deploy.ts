import { createHash, randomUUID, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ViceError } from '#libs/errors';
import { type DeployableImage, type DeploymentReceipt } from '../environment-provider.js';
import { notedSource } from '../noted-source.js';
import { refusalIn } from './cloud-errors.js';
import { deploymentRecords } from './deployment-records.js';
import { DEPLOYMENT, DISK_FORMATS, asObject, isPassing, restoredProperties, type ImageRecord } from './image-record.js';
import { type ImageService } from './image-service.js';
import { patiently } from './patience.js';
import { comparedReceipt, digestOf } from './receipt.js';

const GIB = 2 ** 30;

/**
 * Puts a disk into the project as an image: a record first, under an id that is noted before it is made, then the bytes. What a former attempt left is
 * finished where it can be, and replaced where not.
 */
export async function deployDisk(
  images: ImageService,
  image: DeployableImage,
  marker: string,
  onReference: (reference: string) => Promise<void>,
  signal: AbortSignal,
): Promise<DeploymentReceipt> {
  const former = await usableFormer(images, image, marker);
  if (former) await onReference(former.id);
  const record = former ?? (await createRecord(images, await draftOf(image, marker), image, onReference));
  if (record.status === 'active') return comparedReceipt(record, image, await digestOf(image, 'sha512'));
  const sha512 = await send(images, record.id, image, signal);
  const complete = await patiently('the image is active', () => completed(images, record.id), signal);
  return comparedReceipt(complete, image, sha512);
}

/** Complete, or still without a byte; every other one is taken away. */
async function usableFormer(images: ImageService, image: DeployableImage, marker: string): Promise<ImageRecord | null> {
  let usable: ImageRecord | null = null;
  for (const record of await deploymentRecords(images, marker)) {
    const complete = record.status === 'active' && record.size === image.size;
    if (usable === null && (complete || record.status === 'queued')) usable = record;
    else await images.remove(record.id);
  }
  return usable;
}

async function draftOf(image: DeployableImage, marker: string): Promise<Partial<ImageRecord>> {
  const { title, contentType, size, imageSpecifics, specifics } = image;
  const kept = asObject(imageSpecifics['openstack']);
  const { virtualSize } = contentType === 'disk-raw' ? { virtualSize: size } : await image.facts();
  const needed = typeof virtualSize === 'number' ? Math.ceil(virtualSize / GIB) : 0;
  return {
    ...restoredProperties(imageSpecifics, specifics),
    id: marker,
    name: nameOf(title) || nameOf(kept['name']) || `vice-${marker}`,
    visibility: 'private',
    disk_format: DISK_FORMATS[contentType] ?? null,
    container_format: 'bare',
    min_disk: Math.max(needed, numberIn(kept['min_disk'])),
    min_ram: numberIn(kept['min_ram']),
    tags: Array.isArray(kept['tags']) ? kept['tags'].filter((tag) => typeof tag === 'string') : [],
    [DEPLOYMENT]: marker,
  };
}

/** Glance takes no signs beyond the basic plane, and at most 255. */
const nameOf = (text: unknown) =>
  typeof text === 'string'
    ? text
        .replace(/[\u{10000}-\u{10ffff}]/gu, '')
        .trim()
        .slice(0, 255)
    : '';

const numberIn = (value: unknown) => (typeof value === 'number' && value > 0 ? value : 0);

/**
 * The id is noted first, so that whatever a crash leaves is found. A cloud keeps the ids of removed images, so a later attempt may need another one; and
 * a cloud may want to choose ids itself: then the marker among the properties is what finds the record.
 */
async function createRecord(
  images: ImageService,
  draft: Partial<ImageRecord>,
  image: DeployableImage,
  onReference: (reference: string) => Promise<void>,
): Promise<ImageRecord> {
  await onReference(draft.id!);
  try {
    return await images.create(draft);
  } catch (error) {
    const { status = 0, said = '' } = refusalIn(error) ?? {};
    if (status === 409 && draft.id === draft[DEPLOYMENT])
      return createRecord(images, { ...draft, id: randomUUID() }, image, onReference);
    if (![400, 403, 413].includes(status)) throw error;
    if (refusesTheId(said)) return createWithoutId(images, draft, onReference);
    const plain = Object.fromEntries(Object.entries(draft).filter(([key]) => OURS.includes(key)));
    const isPlain = Object.keys(plain).length === Object.keys(draft).length;
    if (isPlain || Object.keys(asObject(image.specifics['properties'])).length > 0) throw error;
    image.log(`the cloud does not take the properties that the image had: ${said}\n`);
    return createRecord(images, plain, image, onReference);
  }
}

async function createWithoutId(
  images: ImageService,
  draft: Partial<ImageRecord>,
  onReference: (reference: string) => Promise<void>,
): Promise<ImageRecord> {
  const made = await images.create({ ...draft, id: undefined });
  await onReference(made.id).catch(async (refused: unknown) => {
    await images.remove(made.id);
    throw refused;
  });
  return made;
}

const refusesTheId = (said: string) => /\bid\b['"]? is (reserved|read-?only|not allowed|forbidden)/i.test(said);

const OURS = ['id', 'name', 'visibility', 'disk_format', 'container_format', 'min_disk', 'min_ram', 'tags', DEPLOYMENT];

/** Sends the bytes; answers the SHA-512 of what was sent. A fault of the source is raised as it is. */
async function send(images: ImageService, id: string, image: DeployableImage, signal: AbortSignal): Promise<string> {
  let fault: unknown;
  let hash: Hash = createHash('sha512');
  const open = async () => {
    hash = createHash('sha512');
    const noted = notedSource(await image.open(), (found) => (fault ??= found));
    return Readable.from(hashed(noted, hash), { objectMode: false });
  };
  try {
    await images.upload(id, { length: image.size, open });
  } catch (error) {
    throw signal.aborted ? error : (fault ?? error);
  }
  return hash.digest('hex');
}

async function* hashed(source: Readable, hash: Hash): AsyncGenerator<Buffer> {
  for await (const chunk of source as AsyncIterable<Buffer>) {
    hash.update(chunk);
    yield chunk;
  }
}

async function completed(images: ImageService, id: string): Promise<ImageRecord | undefined> {
  const record = await images.find(id);
  if (record?.status === 'active') return record;
  if (record && isPassing(record) && record.status !== 'queued') return undefined;
  throw new ViceError(
    'ENVIRONMENT_FAILED',
    `the cloud took the bytes, but the image ${id} ${record ? `is ${record.status}` : 'is gone'}`,
  );
}
