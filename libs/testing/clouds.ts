import { readFile } from 'node:fs/promises';
import { CloudApi, type CloudAnswer, type CloudProject, type CloudRequest, type CloudService } from './cloud-api.js';
import { bootServer, snapshotServer, type CloudServer } from './cloud-servers.js';
import { freePortWithOffsets } from './free-port.js';
import { runScript } from './scripts.js';
import { shortTempPath } from './temp-dir.js';

export interface CloudOptions {
  /** Bytes of the largest image that Glance takes; by default 4 GiB. */
  imageSizeCap?: number;
  /** Bytes that the images of one user may take; by default any. */
  userQuota?: number;
  /** Seconds that a token lives; by default an hour. */
  tokenTtl?: number;
  /** `uwsgi` (the default, and Debian's way) closes the connection after each request; `eventlet` keeps it. */
  glanceMode?: 'uwsgi' | 'eventlet';
  /** Keystone and Glance by https, with a CA of the cloud's own; only with uwsgi. */
  tls?: boolean;
}

/** An image as Glance shows it; its properties stand beside these. */
export interface CloudImage {
  id: string;
  name: string;
  status: string;
  /** MD5, hex. */
  checksum: string | null;
  os_hash_algo: string | null;
  os_hash_value: string | null;
  size: number | null;
  disk_format: string;
  container_format: string;
  visibility: string;
  [property: string]: unknown;
}

export interface NewCloudImage {
  name: string;
  /** By default raw. */
  diskFormat?: string;
  /** By default bare. */
  containerFormat?: string;
  /** Left out, the image stays `queued`. */
  bytes?: Uint8Array;
  properties?: Record<string, string>;
}

/** An OpenStack of the test's own: Keystone and Glance, and Nova where it was added. */
export interface TestCloud extends AsyncDisposable {
  /** `http://127.0.0.1:…/v3`, or `https:` with TLS: what a user would give as `credentials.location`. */
  authUrl: string;
  /** `http://127.0.0.1:…`, as the catalogue has it. */
  glanceUrl: string;
  region: string;
  /** Where it keeps everything: its logs are in `log/`. */
  folder: string;
  /** Two projects, neither of which sees the other's images, and the administrator's. */
  projects: { vice: CloudProject; other: CloudProject; admin: CloudProject };
  /** PEM of the CA that its certificates come from, or null without TLS. */
  ca: string | null;
  /** One request to a service, as `api(project, 'image', 'GET', '/v2/images')`. A failed one throws, with its status in the message. */
  api(project: CloudProject, service: CloudService, method: string, path: string, request?: CloudRequest): Promise<CloudAnswer>;
  /** All images that the project sees, by name. */
  images(project: CloudProject): Promise<CloudImage[]>;
  /** Makes an image, uploads its bytes, and returns its record. */
  createImage(project: CloudProject, image: NewCloudImage): Promise<CloudImage>;
  /** The bytes of an image. */
  download(project: CloudProject, id: string): Promise<Buffer>;
  /** Adds Placement and Nova: the catalogue has `compute` then. Takes 20 s and 1.2 GiB of memory. */
  addNova(): Promise<void>;
  /** Boots a guest from an image, emulated, without a network, and waits until it is ACTIVE: that Nova has started it, not that anything in it runs. */
  bootServer(project: CloudProject, imageId: string, name?: string): Promise<CloudServer>;
  /** Makes an image of a server as it is now (qcow2), and waits until it is active. */
  snapshot(project: CloudProject, serverId: string, name: string): Promise<CloudImage>;
  /** Ends it in good order; `start` brings it back with its images, and with Nova where it was added; guests are shut off then. */
  halt(): Promise<void>;
  /** Ends it by SIGKILL; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes what it held. */
  stop(): Promise<void>;
}

/** From the cloud's port: Glance, Placement, Nova, Neutron, RabbitMQ, and the other ports of that. */
const PORT_OFFSETS = [1, 2, 3, 4, 5, 1_005, 10_005, 10_025, 20_005];

/** Starts a cloud on free ports. Takes 2 s; the very first one on a machine prepares what each begins with, for a minute at most. */
export async function startCloud(options: CloudOptions = {}): Promise<TestCloud> {
  const dir = shortTempPath();
  const port = await freePortWithOffsets(PORT_OFFSETS);
  const settings = settingsOf(options);
  const script = async (...args: string[]) => void (await runScript('openstack.sh', args, settings));
  const start = () => script('start', dir, String(port));
  const stop = () => script('stop', dir);
  try {
    await start();
    const origin = `${options.tls ? 'https' : 'http'}://127.0.0.1`;
    const address = {
      authUrl: `${origin}:${port}/v3`,
      ca: options.tls ? await readFile(`${dir}/ca.pem`, 'utf8') : null,
    };
    const api = new CloudApi(address);
    return {
      ...address,
      glanceUrl: `${origin}:${port + 1}`,
      region: 'RegionOne',
      folder: dir,
      projects: { vice: projectOf('vice'), other: projectOf('other'), admin: projectOf('admin') },
      api: (...args) => api.call(...args),
      images: (project) => images(api, project),
      createImage: (project, image) => createImage(api, project, image),
      download: async (project, id) => (await api.call(project, 'image', 'GET', `/v2/images/${id}/file`)).bytes,
      addNova: async () => {
        await script('nova', dir);
        api.forgetTokens();
      },
      bootServer: (project, imageId, name = 'guest') => bootServer(api, project, imageId, name),
      snapshot: (project, serverId, name) => snapshotServer(api, project, serverId, name),
      halt: () => script('stop-keep', dir),
      kill: () => script('kill', dir),
      start,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function settingsOf({ imageSizeCap, userQuota, tokenTtl, glanceMode, tls }: CloudOptions): Record<string, string> {
  const settings = {
    IMAGE_SIZE_CAP: imageSizeCap,
    USER_QUOTA: userQuota,
    TOKEN_TTL: tokenTtl,
    GL_MODE: glanceMode,
    TLS: tls ? 1 : 0,
  };
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value ?? '')]));
}

function projectOf(name: string): CloudProject {
  return { name, username: name, password: `${name}-password`, domain: 'Default' };
}

async function images(api: CloudApi, project: CloudProject): Promise<CloudImage[]> {
  const found: CloudImage[] = [];
  for (let page: string | undefined = '/v2/images?sort=name:asc&limit=1000'; page;) {
    const answer: { images: CloudImage[]; next?: string } = (await api.call(project, 'image', 'GET', page)).json();
    found.push(...answer.images);
    page = answer.next;
  }
  return found;
}

async function createImage(api: CloudApi, project: CloudProject, image: NewCloudImage): Promise<CloudImage> {
  const { name, diskFormat = 'raw', containerFormat = 'bare', bytes, properties } = image;
  const made = await api.call(project, 'image', 'POST', '/v2/images', {
    json: { ...properties, name, disk_format: diskFormat, container_format: containerFormat, visibility: 'private' },
  });
  const { id } = made.json<CloudImage>();
  if (bytes !== undefined) await api.call(project, 'image', 'PUT', `/v2/images/${id}/file`, { body: bytes });
  return (await api.call(project, 'image', 'GET', `/v2/images/${id}`)).json();
}
