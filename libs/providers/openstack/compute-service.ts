import { neutron, nova } from 'openstack-client';
import { ViceError } from '#libs/errors';
import { type Cloud } from './cloud.js';
import { DEPLOYMENT } from './image-record.js';
import { nullWhenMissing } from './image-service.js';

/** In front of a server's id, where it is to be imported. */
export const SERVER = 'server:';

/** The first version of Nova's API in which a server can be told to have no network. */
const VERSION = { 'X-OpenStack-Nova-API-Version': '2.37' };
const PAGE = 500;

export interface Server {
  id: string;
  name: string;
  /** `ACTIVE`, `SHUTOFF`, `ERROR`, … */
  status: string;
  created?: string;
  metadata: Record<string, string>;
  /** Its disk is a volume, which a snapshot of it does not hold. */
  bootsFromVolume: boolean;
  /** Why it is in ERROR. */
  fault: string | null;
}

export interface ServerDraft {
  name: string;
  imageId: string;
  flavorId: string;
  /** Ids of networks, or `none`. */
  networks: string[] | 'none';
  keyName: string | null;
  metadata: Record<string, string>;
}

/** Nova's API v2.1, and of Neutron's the networks. Both may be missing. */
export class ComputeService {
  constructor(private readonly cloud: Cloud) {}

  /** Whether the cloud has one for this project and region. */
  async isThere(): Promise<boolean> {
    return this.cloud.has('compute');
  }

  /** One page, newest first, as long as the cloud makes it at most, and whether there are more. Not by the library, which does not tell of more. */
  async page(query: { limit: number; marker?: string }): Promise<{ servers: Server[]; more: boolean }> {
    return this.cloud.attempt('compute', 'list the servers', async (service) => {
      const answer = (await this.cloud.read(service, '/servers/detail', query, VERSION)) as ServerPage;
      return {
        servers: (answer.servers ?? []).map(serverOf),
        more: (answer.servers_links ?? []).some(({ rel }) => rel === 'next'),
      };
    });
  }

  /** The servers that were started for a deployment. */
  async ofDeployment(marker: string): Promise<Server[]> {
    const found: Server[] = [];
    for (let after: string | undefined; ;) {
      const { servers, more } = await this.page({ limit: PAGE, ...(after !== undefined && { marker: after }) });
      found.push(...servers.filter(({ metadata }) => metadata[DEPLOYMENT] === marker));
      after = servers.at(-1)?.id;
      if (!more || after === undefined) return found;
    }
  }

  /** null: there is none, or it is not for this project. */
  async find(id: string): Promise<Server | null> {
    return this.cloud.attempt('compute', `look at the server ${id}`, async ({ library }) => {
      const found = await nova.server.show(library, undefined, encodeURIComponent(id), {}, VERSION).catch(nullWhenMissing);
      return found === null ? null : serverOf(found as RawServer);
    });
  }

  /** Has an image made of a server's disk; it appears at once among the images, with these properties, and gets its data later. */
  async snapshot(id: string, name: string, metadata: Record<string, string>): Promise<void> {
    await this.cloud.attempt('compute', `take a snapshot of the server ${id}`, async ({ library }) => {
      const action = { createImage: { name, metadata } };
      await nova.serverAction.create(library, undefined, encodeURIComponent(id), action, {}, VERSION);
    });
  }

  async create({ name, imageId, flavorId, networks, keyName, metadata }: ServerDraft): Promise<string> {
    return this.cloud.attempt('compute', 'start a server', async ({ library }) => {
      const server = {
        name,
        imageRef: imageId,
        flavorRef: flavorId,
        networks: networks === 'none' ? 'none' : networks.map((uuid) => ({ uuid })),
        metadata,
        ...(keyName !== null && { key_name: keyName }),
      };
      const made = (await nova.server.create(library, undefined, { server }, {}, VERSION)) as { server: { id: string } };
      return made.server.id;
    });
  }

  /** What is gone is no error. */
  async remove(id: string): Promise<void> {
    await this.cloud.attempt('compute', `remove the server ${id}`, ({ library }) =>
      nova.server.del(library, undefined, encodeURIComponent(id)).catch(nullWhenMissing),
    );
  }

  /** By id or name. Raises ENVIRONMENT_MISCONFIGURED that lists the flavors there are. */
  async flavorId(wanted: string): Promise<string> {
    const flavors = await this.cloud.attempt('compute', 'list the flavors', async ({ library }) => {
      return (await nova.flavorDetail.list(library, undefined, { limit: PAGE }, VERSION)) as { id: string; name: string }[];
    });
    const found = flavors.find(({ id }) => id === wanted) ?? flavors.find(({ name }) => name === wanted);
    if (found) return found.id;
    const names = flavors.map(({ name }) => name).sort();
    throw misconfigured(`the cloud has no flavor "${wanted}" (specifics.boot.flavor); it has ${names.join(', ') || 'none'}`);
  }

  /** By id or name; without a wish the only one that the project has, or none. */
  async networks(wanted: string | null): Promise<string[] | 'none'> {
    if (wanted === 'none') return 'none';
    const networks = (await this.cloud.has('network')) ? await this.allNetworks() : [];
    if (wanted === null) {
      if (networks.length > 1)
        throw misconfigured(`which network? name one as specifics.boot.network: ${namesOf(networks)}, or none`);
      return networks[0] ? [networks[0].id] : 'none';
    }
    const found = networks.filter(({ id, name }) => id === wanted || name === wanted);
    if (found.length === 1) return [found[0]!.id];
    throw misconfigured(
      found.length > 1
        ? `several networks have the name "${wanted}" (specifics.boot.network): name one by its id: ${found.map(({ id }) => id).join(', ')}`
        : `the project has no network "${wanted}" (specifics.boot.network); it has ${namesOf(networks)}`,
    );
  }

  private async allNetworks(): Promise<Network[]> {
    return this.cloud.attempt('network', 'list the networks', async ({ library }) => {
      return (await neutron.network.list(library, undefined)) as Network[];
    });
  }
}

interface Network {
  id: string;
  name: string;
}

interface ServerPage {
  servers?: RawServer[];
  servers_links?: { rel: string }[];
}

interface RawServer {
  id: string;
  name: string;
  status: string;
  created?: string;
  metadata?: Record<string, string>;
  image?: object | string | null;
  fault?: { message?: string };
}

const serverOf = ({ id, name, status, created, metadata = {}, image, fault }: RawServer): Server => ({
  id,
  name,
  status,
  ...(created !== undefined && { created }),
  metadata,
  bootsFromVolume: image === '' || image === null,
  fault: fault?.message ?? null,
});

const namesOf = (networks: readonly Network[]) => networks.map(({ name }) => name).join(', ') || 'none';
const misconfigured = (message: string) => new ViceError('ENVIRONMENT_MISCONFIGURED', message);
