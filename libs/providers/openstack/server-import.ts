import { ViceError } from '#libs/errors';
import { type RemoteImage } from '../environment-provider.js';
import { SERVER, type ComputeService } from './compute-service.js';
import { describedRecord } from './image-import.js';
import { IMPORT, isPassing, type ImageRecord } from './image-record.js';
import { type ImageService } from './image-service.js';
import { patiently } from './patience.js';

/** A snapshot of a server, which carries the marker; the one of a former attempt serves again. */
export async function snapshotServer(
  images: ImageService,
  compute: ComputeService,
  reference: string,
  marker: string,
  signal: AbortSignal,
): Promise<RemoteImage> {
  if ((await snapshotsOf(images, marker)).length === 0) await takeSnapshot(compute, reference.slice(SERVER.length), marker);
  const record = await patiently('the snapshot of the server is complete', () => finished(images, marker), signal);
  return describedRecord(record);
}

export async function disposeSnapshots(images: ImageService, marker: string): Promise<void> {
  for (const { id } of await snapshotsOf(images, marker)) await images.remove(id);
}

async function takeSnapshot(compute: ComputeService, id: string, marker: string): Promise<void> {
  if (!(await compute.isThere()))
    throw new ViceError(
      'ENVIRONMENT_MISCONFIGURED',
      'the cloud has no compute service in its catalogue, so no servers to import',
    );
  const server = await compute.find(id);
  if (!server) throw new ViceError('REMOTE_IMAGE_NOT_FOUND', `the project has no server "${id}"`);
  if (server.bootsFromVolume) {
    throw new ViceError(
      'ENVIRONMENT_REFUSED',
      `the server ${server.name} boots from a volume, which its snapshot does not hold: make an image of the volume (openstack image create --volume), and import that`,
    );
  }
  await compute.snapshot(id, server.name, { [IMPORT]: marker });
}

async function finished(images: ImageService, marker: string): Promise<ImageRecord | undefined> {
  const [record] = await snapshotsOf(images, marker);
  if (record?.status === 'active') return record;
  if (record && isPassing(record)) return undefined;
  // What failed is in the way of the next attempt.
  if (record) await images.remove(record.id);
  throw new ViceError('ENVIRONMENT_FAILED', `the snapshot of the server failed: it is ${record?.status ?? 'gone'}`);
}

const snapshotsOf = (images: ImageService, marker: string) => images.all({ [IMPORT]: marker });
