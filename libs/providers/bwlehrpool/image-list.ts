import { type ContentType, type RemoteImageEntry } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type RemoteImagePage } from '../environment-provider.js';
import { Satellite as Calls } from './calls/methods.js';
import { type ImageDetails, type ImageSummary } from './calls/structs.js';
import { withoutMarks } from './image-names.js';
import { type Satellite } from './satellite.js';

/** What the disk of an image is, by who runs it. QEMU takes other disks too: its own is what its images have as a rule. */
export const CONTENT_TYPES: Readonly<Record<string, ContentType>> = { vmware: 'disk-vmdk', qemukvm: 'disk-qcow2' };

/** More than any satellite has: one that goes on for ever must not keep a worker for ever. */
const MAX_PAGES = 1000;

/** One page of what the user may download. The satellite lists all images, whoever may use them. */
export async function listImportable(satellite: Satellite, page = '0'): Promise<RemoteImagePage> {
  if (!/^\d{1,6}$/.test(page)) throw new ViceError('INVALID_QUERY', `"${page}" is no page of this listing`);
  const { images, isLast } = await imagePage(satellite, Number(page));
  return { images: images.filter(mayDownload).map(entryOf), next: isLast ? null : String(Number(page) + 1) };
}

/** All images of the satellite, page by page. */
export async function* allImages(satellite: Satellite): AsyncGenerator<ImageSummary> {
  for (let page = 0; page < MAX_PAGES; page++) {
    const { images, isLast } = await imagePage(satellite, page);
    yield* images;
    if (isLast) return;
  }
  throw new ViceError('ENVIRONMENT_FAILED', `the list of images of ${satellite.name} does not come to an end`);
}

export const mayDownload = ({ userPermissions, defaultPermissions }: ImageSummary | ImageDetails): boolean =>
  (userPermissions ?? defaultPermissions)?.download === true;

/** Seconds since 1970, as the satellite counts. */
export const instantOf = (seconds: bigint | undefined): string | null =>
  seconds === undefined || seconds <= 0n || seconds > 8_640_000_000_000n ? null : new Date(Number(seconds) * 1000).toISOString();

async function imagePage(satellite: Satellite, page: number): Promise<{ images: ImageSummary[]; isLast: boolean }> {
  const { config } = await satellite.whoWeAre();
  const images = await satellite.call(Calls.getImageList, { tagSearch: [], page }, 'list the images');
  return { images, isLast: images.length < Math.max(1, config.pageSize ?? 1) };
}

function entryOf(image: ImageSummary): RemoteImageEntry {
  const { imageBaseId = '', imageName = '', virtId = '', fileSize, uploadTime, createTime } = image;
  const reason = whyNotImportable(image);
  return {
    reference: imageBaseId,
    name: withoutMarks(imageName),
    contenttype: CONTENT_TYPES[virtId] ?? null,
    size: fileSize === undefined ? null : Number(fileSize),
    createdAt: instantOf(uploadTime ?? createTime),
    importable: reason === null,
    ...(reason !== null && { reason }),
  };
}

function whyNotImportable({ latestVersionId, virtId = '' }: ImageSummary): string | null {
  if (!latestVersionId) return 'no version of it is valid';
  return whyNotTaken(virtId);
}

/** Why images of a virtualizer cannot be imported; null: they can. */
export function whyNotTaken(virtId: string): string | null {
  if (CONTENT_TYPES[virtId]) return null;
  if (virtId === 'virtualbox') return 'it is a VirtualBox image, whose disks (VDI) cannot be kept here';
  return `images for "${virtId}" cannot be kept here`;
}
