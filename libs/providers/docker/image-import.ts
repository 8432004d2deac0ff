import { type ImageInspectInfo } from 'dockerode';
import { type Readable } from 'node:stream';
import { type JsonObject } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type RemoteImage } from '../environment-provider.js';
import { archiveStream } from './archive-stream.js';
import { tagsOf, type Engine } from './engine.js';
import { isReference, TEMPORARY_REPOSITORY } from './image-names.js';

/** What is kept of an image's configuration. */
const CONFIG = ['Cmd', 'Entrypoint', 'Env', 'ExposedPorts', 'Labels', 'StopSignal', 'User', 'Volumes', 'WorkingDir'] as const;

/** Raises REMOTE_IMAGE_NOT_FOUND. */
export async function describeImage(engine: Engine, reference: string): Promise<RemoteImage> {
  const found = isReference(reference) ? await engine.image(reference) : null;
  if (!found) throw new ViceError('REMOTE_IMAGE_NOT_FOUND', `the engine has no image "${reference}"`);
  return describedImage(found, reference);
}

/**
 * It is read by its id: saved by a name, the same image gives other bytes, which carry the name. The id also keeps a tag that moves meanwhile from
 * changing what is read.
 */
export function describedImage(found: ImageInspectInfo, name: string): RemoteImage {
  return {
    reference: found.Id,
    name,
    contentType: 'docker-image',
    size: null,
    checksums: {},
    createdAt: instant(found.Created),
    metadata: metadata(found),
  };
}

/** `docker save`, streamed. */
export async function readImage(engine: Engine, reference: string): Promise<Readable> {
  const answer = await engine.attempt('save the image', (api) => api.getImage(reference).get());
  return archiveStream(answer as Readable, (error) => engine.translate(error, 'save the image'));
}

function metadata(found: ImageInspectInfo): JsonObject {
  const config: Partial<Record<string, unknown>> = { ...found.Config };
  const kept = CONFIG.filter((key) => isThere(config[key])).map((key) => [key, config[key]]);
  return {
    id: found.Id,
    repoTags: tagsOf(found).filter((tag) => !tag.startsWith(`${TEMPORARY_REPOSITORY}:`)),
    os: found.Os,
    architecture: found.Architecture,
    created: found.Created,
    config: Object.fromEntries(kept) as JsonObject,
  };
}

const isThere = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && (typeof value !== 'object' || Object.keys(value).length > 0);

function instant(text: string): string | null {
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
