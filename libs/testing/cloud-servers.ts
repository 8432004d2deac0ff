import { type CloudApi, type CloudProject } from './cloud-api.js';
import { type CloudImage } from './clouds.js';
import { until } from './until.js';

export interface CloudServer {
  id: string;
  name: string;
  status: string;
  /** Why it is in ERROR. */
  fault?: { message: string };
}

/** The first version of Nova's API that boots without a network is 2.37; 2.45 tells a snapshot's id. */
const version = { 'x-openstack-nova-api-version': '2.79' };

/** Boots a guest from an image, and waits until it is ACTIVE: that Nova has started it, not that anything in it runs. */
export async function bootServer(api: CloudApi, project: CloudProject, imageId: string, name: string): Promise<CloudServer> {
  const answer = await api.call(project, 'compute', 'POST', '/servers', {
    json: { server: { name, imageRef: imageId, flavorRef: 'tiny', networks: 'none' } },
    headers: version,
  });
  const { id } = answer.json<{ server: { id: string } }>().server;
  return untilDone(`server ${name} is ACTIVE`, 'ACTIVE', async () => {
    const found = await api.call(project, 'compute', 'GET', `/servers/${id}`, { headers: version });
    return found.json<{ server: CloudServer }>().server;
  });
}

/** Makes an image of a server as it is now, and waits until it is active. */
export async function snapshotServer(api: CloudApi, project: CloudProject, serverId: string, name: string): Promise<CloudImage> {
  const answer = await api.call(project, 'compute', 'POST', `/servers/${serverId}/action`, {
    json: { createImage: { name } },
    headers: version,
  });
  const { image_id: id } = answer.json<{ image_id: string }>();
  return untilDone(`snapshot ${name} is active`, 'active', async () =>
    (await api.call(project, 'image', 'GET', `/v2/images/${id}`)).json<CloudImage>(),
  );
}

async function untilDone<T extends { status: string }>(what: string, status: string, look: () => Promise<T>): Promise<T> {
  const ended = await until(
    async () => {
      const found = await look();
      return [status, 'ERROR', 'killed', 'deleted'].includes(found.status) ? found : undefined;
    },
    { what, timeout: 120_000, interval: 200 },
  );
  if (ended.status !== status) throw new Error(`waited until ${what}, but it is ${JSON.stringify(ended)}`);
  return ended;
}
