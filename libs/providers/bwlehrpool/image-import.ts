import { type ContentType } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type RemoteImage } from '../environment-provider.js';
import { Satellite as Calls } from './calls/methods.js';
import { type ImageDetails, type ImageVersion } from './calls/structs.js';
import { isUnanswered, saysNotFound } from './errors/call-errors.js';
import { findVersion } from './find-version.js';
import { CONTENT_TYPES, instantOf, mayDownload, whyNotTaken } from './image-list.js';
import { withoutMarks } from './image-names.js';
import { referenceText } from './image-reference.js';
import { keptMetadata } from './kept-metadata.js';
import { operatingSystems } from './operating-systems.js';
import { type Satellite } from './satellite.js';
import { type DownloadTickets } from './transfer/download-tickets.js';

/** Enough of a disk to tell what it is. */
const MAGIC_BYTES = 512;

const NO_RIGHT = 'its owner has given you no right to download it';

/** Raises REMOTE_IMAGE_NOT_FOUND, and ENVIRONMENT_REFUSED for what the user may not have. */
export async function describeImage(satellite: Satellite, tickets: DownloadTickets, reference: string): Promise<RemoteImage> {
  const { details, version } = await findVersion(satellite, reference);
  const { imageBaseId = '', imageName = '', virtId = '' } = details;
  const { versionId = '', fileSize = 0n, createTime } = version;
  const name = withoutMarks(imageName);
  const whyNot = mayDownload(details) ? (whyNotTaken(virtId) ?? whyNotUsable(version)) : NO_RIGHT;
  if (whyNot !== null) throw new ViceError('ENVIRONMENT_REFUSED', `the image "${name}" cannot be imported: ${whyNot}`);
  const size = Number(fileSize);
  return {
    reference: referenceText(imageBaseId, versionId),
    name,
    contentType: await contentTypeOf(tickets, virtId, versionId, size),
    size,
    checksums: {},
    createdAt: instantOf(createTime),
    ...(await metadataOf(satellite, details, version)),
  };
}

function whyNotUsable({ isValid, fileSize = 0n }: ImageVersion): string | null {
  if (isValid !== true)
    return 'this version of it is not valid any more, as when it has expired or its file is missing there; name another version, or the image itself for its latest valid one';
  // Bytes are asked for by their place in the file: without an end there is none to read to.
  return fileSize > 0n ? null : 'the satellite does not say how large its file is';
}

/** By the virtualizer, and where that takes several kinds of disks by how the disk begins. */
async function contentTypeOf(
  tickets: DownloadTickets,
  virtId: string,
  versionId: string,
  size: number,
): Promise<ContentType | null> {
  if (virtId !== 'qemukvm') return CONTENT_TYPES[virtId] ?? null;
  return contentTypeByMagic(await tickets.peek(versionId, Math.min(size, MAGIC_BYTES)));
}

/** Null for anything else: the inspection says what it thinks of it. */
export function contentTypeByMagic(head: Buffer): ContentType | null {
  if (head.subarray(0, 4).equals(Buffer.from('QFI\xfb', 'latin1'))) return 'disk-qcow2';
  if (head.subarray(0, 4).equals(Buffer.from('KDMV'))) return 'disk-vmdk';
  return null;
}

/** What becomes the image's `specifics.bwlehrpool`, from which a later deployment makes the same image again. */
async function metadataOf(
  satellite: Satellite,
  details: ImageDetails,
  version: ImageVersion,
): Promise<Required<Pick<RemoteImage, 'metadata' | 'notes'>>> {
  const { imageBaseId = '', imageName = '', description = '', osId, virtId = '', tags = [] } = details;
  const { versionId = '', software = [] } = version;
  const system = (await operatingSystems(satellite)).find((known) => known.osId === osId);
  return keptMetadata({
    facts: {
      imageBaseId,
      versionId,
      name: withoutMarks(imageName),
      ...(osId !== undefined && { osId }),
      ...(system?.osName !== undefined && { osName: system.osName }),
      virtId,
    },
    machineDescription: await machineDescriptionOf(satellite, versionId),
    software,
    tags,
    description: withoutMarks(description),
  });
}

/** A version may be without one: a machine is made for its disk when it is deployed again. */
function machineDescriptionOf(satellite: Satellite, imageVersionId: string): Promise<Buffer> {
  return satellite
    .call(Calls.getImageVersionVirtConfig, { imageVersionId }, 'read the machine description of the image')
    .catch((error: unknown) => {
      if (saysNotFound(error) || isUnanswered(error)) return Buffer.alloc(0);
      throw error;
    });
}
