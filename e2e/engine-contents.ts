import { type TestEngine } from '#libs/testing';

/** All that an engine holds: images by id with their tags, dangling ones and layers between too, and containers. */
export interface EngineContents {
  images: Record<string, string[]>;
  containers: string[];
}

export async function contentsOf(engine: TestEngine): Promise<EngineContents> {
  const images = JSON.parse(await engine.api('GET', '/images/json', { query: { all: '1' } })) as {
    Id: string;
    RepoTags: string[] | null;
  }[];
  const containers = JSON.parse(await engine.api('GET', '/containers/json', { query: { all: '1' } })) as { Id: string }[];
  const entries = images.map(
    ({ Id, RepoTags }) => [Id, (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>').sort()] as const,
  );
  return {
    images: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))),
    containers: containers.map(({ Id }) => Id).sort(),
  };
}

/** Takes a tag off; the image goes with its last one. */
export async function removeTag(engine: TestEngine, tag: string): Promise<void> {
  await engine.api('DELETE', `/images/${tag}`);
}
