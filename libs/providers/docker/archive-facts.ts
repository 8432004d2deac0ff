import { type ImageInspectInfo } from 'dockerode';
import { type Json, type JsonObject } from '#libs/contracts';

/** What inspection found in an image archive. */
export interface ArchiveFacts {
  /** The image's id on engines with the classic store. */
  configDigest: string;
  /** The image's id on engines with the containerd store, where the archive tells it. */
  manifestDigest: string | null;
  diffIds: string[];
  os: string;
  architecture: string;
  /** What a container of the image runs, and how: `Cmd`, `Env` and so on. */
  config: JsonObject;
}

/** By what an engine's image is known to be the archive's; null: it is another one. */
export type Proof = 'config digest' | 'manifest digest' | 'layers and configuration' | null;

export function archiveFacts(facts: JsonObject): ArchiveFacts {
  const { configDigest, manifestDigest, diffIds, os, architecture, config } = facts;
  return {
    configDigest: String(configDigest),
    manifestDigest: typeof manifestDigest === 'string' ? manifestDigest : null,
    diffIds: Array.isArray(diffIds) ? diffIds.map(String) : [],
    os: String(os),
    architecture: String(architecture),
    config: isObject(config) ? config : {},
  };
}

/**
 * An id alone proves nothing of the layers: it is a digest of the document that lists them, which the engine read by rules of its own.
 *
 * @param inContainerd whether the engine's ids are digests of manifests, some of which only the engine knows
 */
export function proofOf(found: ImageInspectInfo, archive: ArchiveFacts, inContainerd: boolean): Proof {
  if (JSON.stringify(found.RootFS.Layers ?? []) !== JSON.stringify(archive.diffIds)) return null;
  if (found.Id === archive.configDigest) return 'config digest';
  if (found.Id === archive.manifestDigest) return 'manifest digest';
  if (!inContainerd) return null;
  const samePlatform = found.Os === archive.os && found.Architecture === archive.architecture;
  return samePlatform && sameConfig(found.Config as unknown as JsonObject, archive.config) ? 'layers and configuration' : null;
}

/** An engine writes some of what is absent as null, empty or false, and leaves out other such; its order of keys is its own. */
function sameConfig(a: JsonObject, b: JsonObject): boolean {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b)])]
    .filter((key) => RUNTIME.has(key))
    .every((key) => canonical(a[key]) === canonical(b[key]));
}

const RUNTIME = new Set(['Cmd', 'Entrypoint', 'Env', 'ExposedPorts', 'Labels', 'StopSignal', 'User', 'Volumes', 'WorkingDir']);

function canonical(value: Json | undefined): string {
  if (value === undefined || value === null || value === '' || value === false) return '';
  if (Array.isArray(value)) return value.length === 0 ? '' : JSON.stringify(value);
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? '' : JSON.stringify(entries);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
