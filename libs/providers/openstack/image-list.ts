import { type RemoteImageEntry } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type RemoteImagePage } from '../environment-provider.js';
import { contentTypeOf, IMPORT, instantOf, whyNotImportable, type ImageRecord } from './image-record.js';
import { type ImageService } from './image-service.js';
import { refusalIn } from './cloud-errors.js';
import { SERVER, type ComputeService, type Server } from './compute-service.js';

const PAGE = 100;
/** In front of the last server of a page: the servers come after the images. */
const AFTER_SERVER = 'server-';

/** What can be imported: the images by name, then the servers where the cloud has any. A page begins behind the last one of the former. */
export async function listImportable(images: ImageService, compute: ComputeService, page?: string): Promise<RemoteImagePage> {
  if (page?.startsWith(AFTER_SERVER)) return serverPage(compute, page.slice(AFTER_SERVER.length));
  if (page !== undefined && !/^[\w-]+$/.test(page)) throw noPage(page);
  const query = { limit: PAGE, sort: 'name:asc,id:asc', ...(page !== undefined && { marker: page }) };
  const { records, more } = await images.page(query).catch((error: unknown) => {
    const unknown = [400, 404].includes(refusalIn(error)?.status ?? 0);
    if (page !== undefined && unknown) throw noPage(page);
    throw error;
  });
  const last = records.at(-1);
  const rows = records.filter((record) => record[IMPORT] === undefined).map(imageRow);
  if (more && last) return { images: rows, next: last.id };
  return { images: rows, next: (await compute.isThere()) ? AFTER_SERVER : null };
}

async function serverPage(compute: ComputeService, after: string): Promise<RemoteImagePage> {
  const { servers, more } = await compute.page({ limit: PAGE, ...(after !== '' && { marker: after }) });
  const last = servers.at(-1);
  return { images: servers.map(serverRow), next: more && last ? `${AFTER_SERVER}${last.id}` : null };
}

function imageRow(record: ImageRecord): RemoteImageEntry {
  const reason = whyNotImportable(record);
  return {
    reference: record.id,
    name: record.name || record.id,
    contenttype: contentTypeOf(record),
    size: record.size,
    createdAt: instantOf(record.created_at),
    ...(record.os_hash_value && { checksum: `${record.os_hash_algo}:${record.os_hash_value}` }),
    importable: reason === null,
    ...(reason !== null && { reason }),
  };
}

function serverRow(server: Server): RemoteImageEntry {
  const reason = server.bootsFromVolume ? 'it boots from a volume, which its snapshot does not hold' : null;
  return {
    reference: `${SERVER}${server.id}`,
    name: server.name,
    contenttype: null,
    size: null,
    createdAt: instantOf(server.created),
    importable: reason === null,
    ...(reason !== null && { reason }),
  };
}

const noPage = (page: string) => new ViceError('INVALID_QUERY', `"${page}" is no page of this listing`);
