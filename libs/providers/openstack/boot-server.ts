import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type ComputeService, type Server } from './compute-service.js';
import { asObject, DEPLOYMENT } from './image-record.js';
import { patiently } from './patience.js';

/** `specifics.boot` of a deployment: a server is to be started from the image. */
export interface BootWish {
  /** Name or id. */
  flavor: string;
  /** Name or id, `none`; null: the only one that the project has. */
  network: string | null;
  keyName: string | null;
}

/** null: no server is wished for. Raises ENVIRONMENT_MISCONFIGURED. */
export function bootWish({ boot }: JsonObject): BootWish | null {
  if (boot === undefined || boot === null || boot === false) return null;
  const { flavor, network = null, keyName = null } = asObject(boot);
  if (typeof flavor !== 'string' || flavor === '')
    throw misconfigured('specifics.boot needs the flavor of the server: {"flavor": "m1.small"}');
  for (const [key, value] of Object.entries({ network, keyName }))
    if (value !== null && typeof value !== 'string') throw misconfigured(`specifics.boot.${key} must be text`);
  return { flavor, network: network as string | null, keyName: keyName as string | null };
}

/** Starts a server that carries the marker, or finds the one of a former attempt, and waits until it runs. */
export async function bootServer(
  compute: ComputeService,
  wish: BootWish,
  { imageId, title, marker }: { imageId: string; title: string | null; marker: string },
  signal: AbortSignal,
): Promise<Server> {
  const [former] = await compute.ofDeployment(marker);
  const id =
    former?.id ??
    (await compute.create({
      name: title?.trim().slice(0, 255) || `vice-${marker}`,
      imageId,
      flavorId: await compute.flavorId(wish.flavor),
      networks: await compute.networks(wish.network),
      keyName: wish.keyName,
      metadata: { [DEPLOYMENT]: marker },
    }));
  return patiently('the server runs', () => running(compute, id), signal);
}

/** Ends the servers of a deployment, and waits until they are gone: they use its image. */
export async function removeServers(compute: ComputeService, marker: string, signal: AbortSignal): Promise<void> {
  for (const { id } of await compute.ofDeployment(marker)) {
    await compute.remove(id);
    await patiently('the server is gone', async () => (await compute.find(id)) === null || undefined, signal);
  }
}

async function running(compute: ComputeService, id: string): Promise<Server | undefined> {
  const server = await compute.find(id);
  if (!server) throw new ViceError('ENVIRONMENT_FAILED', `the server ${id} was gone before it ran`);
  if (server.status === 'ACTIVE') return server;
  if (server.status !== 'ERROR') return undefined;
  throw new ViceError('ENVIRONMENT_REFUSED', `the server could not be started: the cloud says "${server.fault ?? 'ERROR'}"`);
}

const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
