import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type JsonObject } from '#libs/contracts';
import { inspectFacts } from '#libs/image-formats';
import { Metrics } from '#libs/observability';
import { buildQcow2 } from '#libs/testing/images';
import { Providers, type DeployableImage, type EnvironmentAccess, type ResumableSession } from '../../index.js';
import { type StoredBase, type StoredVersion } from './satellite/store.js';
import { type TestSatellite } from './satellite/test-satellite.js';
import { LECTURER } from './satellite/users.js';

export const MIB = 2 ** 20;

/** A machine description as a satellite keeps it. */
export const DOMAIN =
  '<domain type="kvm"><name>kept</name><devices><disk type="file" device="disk"><driver name="qemu" type="qcow2"/><target dev="vda" bus="virtio"/></disk></devices></domain>';

export type Credentials = Pick<EnvironmentAccess, 'location' | 'username' | 'password' | 'specifics'>;

export const accessTo = (credentials: Credentials): EnvironmentAccess => ({
  id: randomUUID(),
  software: 'bwLehrpool',
  ...credentials,
});

/** Works within a session, and closes it. */
export async function inSession<T>(
  credentials: Credentials,
  work: (session: ResumableSession) => Promise<T>,
  { signal = new AbortController().signal, egressDeny = [] as string[] } = {},
): Promise<T> {
  const providers = new Providers({ unixSockets: [], egressDeny }, new Metrics('test'));
  await using session = await providers.connect(accessTo(credentials), signal);
  return await work(session as ResumableSession);
}

/** A qcow2 disk that inspection finds faultless, with random bytes behind it so that no two blocks are the same. */
export const qcow2 = (bytes: number): Buffer => {
  const disk = buildQcow2();
  return Buffer.concat([disk, randomBytes(Math.max(0, bytes - disk.length))]);
};

/** An image of the lecturer's with one version. */
export function storeImage(
  { store }: TestSatellite,
  content: Buffer,
  base: Partial<StoredBase> = {},
  version: Partial<StoredVersion> = {},
): { base: StoredBase; version: StoredVersion; reference: string } {
  const made = store.createBase('Algorithms', LECTURER.id, {
    osId: 7,
    virtId: 'qemukvm',
    description: 'For the course',
    ...base,
  });
  const added = store.addVersion(made, content, {
    machineDescription: Buffer.from(DOMAIN),
    software: ['gcc', 'gdb'],
    ...version,
  });
  return { base: made, version: added, reference: made.id };
}

export async function factsOf(bytes: Buffer): Promise<JsonObject> {
  const read = async (position: number, length: number) => bytes.subarray(position, position + length);
  return (await inspectFacts({ size: bytes.length, read, stream: () => Readable.from([bytes]) }, undefined)).facts;
}

export function deployable(bytes: Buffer, rest: Partial<DeployableImage> = {}): DeployableImage {
  return {
    title: 'Tools',
    contentType: 'disk-qcow2',
    size: bytes.length,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    open: async () => Readable.from([bytes]),
    read: async (position, length) => bytes.subarray(position, position + length),
    moved: () => undefined,
    facts: async () => ({ virtualSize: 2 ** 20 }),
    specifics: {},
    imageSpecifics: {},
    log: () => undefined,
    ...rest,
  };
}

/** Images with their versions, and transfers that are under way. */
export function holdingsOf({ store }: TestSatellite): string[] {
  const versions = [...store.bases.values()].flatMap(({ id, name, versions }) => [
    `${id} ${name}`,
    ...versions.map((version) => `${id} ${version.id} ${version.size}`),
  ]);
  const unfinished = [...store.uploads.values()].filter(({ state }) => state !== 2).map(({ token }) => `upload ${token}`);
  return [...versions, ...unfinished].sort();
}

export const bytesOf = (stream: Readable): Promise<Buffer> => buffer(stream);
