import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type JsonObject } from '#libs/contracts';
import { Metrics } from '#libs/observability';
import { type CloudProject, type TestCloud } from '#libs/testing';
import { Providers, type DeployableImage, type EnvironmentAccess, type EnvironmentSession } from '../index.js';

const providers = new Providers({ unixSockets: [], egressDeny: [] }, new Metrics('test'));

/** How a user of that project would register it. */
export function accessTo(
  { authUrl, ca }: Pick<TestCloud, 'authUrl' | 'ca'>,
  { username, password, name }: CloudProject,
  specifics: JsonObject = {},
  rest: Partial<EnvironmentAccess> = {},
): EnvironmentAccess {
  return {
    id: randomUUID(),
    software: 'OpenStack',
    location: authUrl,
    username,
    password,
    specifics: { tenant: name, ...(ca !== null && { cacert: ca }), ...specifics },
    ...rest,
  };
}

/** Works within a session, and closes it. */
export async function inSession<T>(
  access: EnvironmentAccess,
  work: (session: EnvironmentSession) => Promise<T>,
  signal = new AbortController().signal,
): Promise<T> {
  await using session = await providers.connect(access, signal);
  return await work(session);
}

/** Every record that the project has, whatever its state, with what it holds. */
export async function holdingsOf(cloud: TestCloud, project: CloudProject): Promise<string[]> {
  const records = await cloud.images(project);
  return records.map(({ id, name, status, size, os_hash_value: hash }) => `${id} ${name} ${status} ${size} ${hash}`).sort();
}

export function deployable(bytes: Buffer, rest: Partial<DeployableImage> = {}): DeployableImage {
  return {
    title: 'A disk',
    contentType: 'disk-raw',
    size: bytes.length,
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
    open: async () => Readable.from(chunksOf(bytes)),
    read: async (position, length) => bytes.subarray(position, position + length),
    moved: () => undefined,
    facts: async () => ({ virtualSize: bytes.length }),
    specifics: {},
    imageSpecifics: {},
    log: () => undefined,
    ...rest,
  };
}

export function* chunksOf(bytes: Buffer, size = 2 ** 16): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const someBytes = (length: number): Buffer => randomBytes(length);

export const sha512 = (bytes: Buffer): string => createHash('sha512').update(bytes).digest('hex');

export async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const noNote = async (): Promise<void> => undefined;
