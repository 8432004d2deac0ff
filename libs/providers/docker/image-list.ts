import { type RemoteImageEntry } from '#libs/contracts';
import { ViceError } from '#libs/errors';
import { type RemoteImagePage } from '../environment-provider.js';
import { CONTAINER } from './container-import.js';
import { tagsOf, type Engine } from './engine.js';
import { TEMPORARY_REPOSITORY } from './image-names.js';

const PAGE = 100;

/** What can be imported: a row for each tag, untagged images by id, then the containers. A page begins where the former one ended. */
export async function listImportable(engine: Engine, page?: string): Promise<RemoteImagePage> {
  const start = Number(page ?? 0);
  if (!Number.isSafeInteger(start) || start < 0) throw new ViceError('INVALID_QUERY', `"${page}" is no page of this listing`);
  const all = [...(await images(engine)), ...(await containers(engine))];
  return { images: all.slice(start, start + PAGE), next: start + PAGE < all.length ? String(start + PAGE) : null };
}

async function images(engine: Engine): Promise<RemoteImageEntry[]> {
  const found = await engine.attempt('list the images', (api) => api.listImages());
  const rows = found.flatMap(({ Id, RepoTags, Size, Created }) => {
    const tags = tagsOf({ RepoTags });
    if (tags.length > 0 && tags.every((tag) => tag.startsWith(`${TEMPORARY_REPOSITORY}:`))) return [];
    return (tags.length > 0 ? tags : [Id]).map((reference) => row(reference, reference, Size, Created));
  });
  return rows.sort((a, b) => a.reference.localeCompare(b.reference));
}

async function containers(engine: Engine): Promise<RemoteImageEntry[]> {
  const found = await engine.attempt('list the containers', (api) => api.listContainers({ all: true }));
  const rows = found.map(({ Id, Names, Image, Created }) => {
    const name = Names[0]?.replace(/^\//, '') ?? Id.slice(0, 12);
    return row(`${CONTAINER}${name}`, `${name} (${Image})`, null, Created);
  });
  return rows.sort((a, b) => a.reference.localeCompare(b.reference));
}

function row(reference: string, name: string, size: number | null, createdSeconds: number): RemoteImageEntry {
  const createdAt = new Date(createdSeconds * 1000).toISOString();
  return { reference, name, contenttype: 'docker-image', size, createdAt, importable: true };
}
