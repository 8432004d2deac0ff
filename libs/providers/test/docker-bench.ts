import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createHash, randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { type JsonObject } from '#libs/contracts';
import { inspectFacts } from '#libs/image-formats';
import { Metrics } from '#libs/observability';
import { busyboxImage, startEngine, type EngineVersion, type TestEngine } from '#libs/testing';
import { Providers, type DeployableImage, type EnvironmentAccess, type EnvironmentSession } from '../index.js';

const providers = new Providers({ unixSockets: ['*'], egressDeny: [] }, new Metrics('test'));

export function accessTo(location: string, specifics: JsonObject = {}, rest: Partial<EnvironmentAccess> = {}): EnvironmentAccess {
  return { id: randomUUID(), software: 'Docker', location, username: null, password: null, specifics, ...rest };
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

/** Images with their tags, and containers. */
export async function holdingsOf(engine: TestEngine): Promise<string[]> {
  const images = JSON.parse(await engine.api('GET', '/images/json?all=1')) as { Id: string; RepoTags: string[] | null }[];
  const containers = JSON.parse(await engine.api('GET', '/containers/json?all=1')) as { Id: string }[];
  const tagsOf = (tags: string[] | null) => (tags ?? []).filter((tag) => tag !== '<none>:<none>').sort();
  return [
    ...images.map(({ Id, RepoTags }) => `${Id} ${tagsOf(RepoTags).join(' ')}`.trim()),
    ...containers.map(({ Id }) => Id),
  ].sort();
}

/** `docker save`, as a user would have it on disk. */
export async function saved(engine: TestEngine, reference: string): Promise<Buffer> {
  return new Promise((done, fail) => {
    request({ socketPath: engine.socket, path: `/images/${reference}/get` }, (answer) => void buffer(answer).then(done, fail))
      .on('error', fail)
      .end();
  });
}

export async function factsOf(bytes: Buffer, contentType: 'docker-image' | 'docker-file'): Promise<JsonObject> {
  const inspectable = {
    size: bytes.length,
    read: async (position: number, length: number) => bytes.subarray(position, position + length),
    stream: () => Readable.from([bytes]),
  };
  return (await inspectFacts(inspectable, contentType)).facts;
}

export function deployable(
  bytes: Buffer,
  facts: JsonObject,
  { contentType = 'docker-image', ...rest }: Partial<DeployableImage> = {},
): DeployableImage {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  return {
    title: 'Tools',
    contentType,
    size: bytes.length,
    digest,
    open: async () => Readable.from([bytes]),
    read: async (position, length) => bytes.subarray(position, position + length),
    moved: () => undefined,
    facts: async () => facts,
    specifics: {},
    imageSpecifics: {},
    log: () => undefined,
    ...rest,
  };
}

/** An archive that an engine of another release saved, which the engines under test do not hold. */
export async function foreignArchive(version: EngineVersion): Promise<{ bytes: Buffer; facts: JsonObject }> {
  await using engine = await startEngine(version);
  await busyboxImage(engine, 'foreign:1', { greeting: `hello from ${version}` });
  const bytes = await saved(engine, 'foreign:1');
  return { bytes, facts: await factsOf(bytes, 'docker-image') };
}

export const noNote = async (): Promise<void> => undefined;
