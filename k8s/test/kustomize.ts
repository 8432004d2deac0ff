import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { projectRoot, tempDir, type Requirement } from '#libs/testing';

const run = promisify(execFile);

/** An object as it would be applied. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  // Of many kinds: whoever looks inside knows which.
  [field: string]: any; // eslint-disable-line @typescript-eslint/no-explicit-any
}

interface Kustomization {
  resources: string[];
  components: string[];
  configMapGenerator: { name: string; literals: string[] }[];
}

/** An installation that somebody may make: an overlay, with components added to it. */
export interface Variant {
  name: string;
  overlay: 'embedded-services' | 'external';
  components: string[];
  /** What else is changed in the overlay's kustomization.yaml. */
  change?(kustomization: Kustomization): void;
}

/** Debian 13's kustomize, by its path; or one on the PATH. */
export function kustomize(): Requirement<string> {
  return {
    what: 'kustomize',
    async find() {
      const unpacked = join(process.env['VICE_PEERS_CACHE'] ?? '/var/cache/vice-peers', 'trixie/usr/bin/kustomize');
      if (existsSync(unpacked)) return unpacked;
      const { stdout } = await run('sh', ['-c', 'command -v kustomize']).catch(() => {
        throw new Error(`it is neither at ${unpacked} nor on the PATH`);
      });
      return stdout.trim();
    },
  };
}

/** Builds a variant as README.md tells to: in a copy of k8s/, with secrets of its own. */
export async function build(program: string, { overlay, components, change }: Variant): Promise<Manifest[]> {
  await using copy = await tempDir();
  await cp(join(projectRoot, 'k8s'), copy.path, { recursive: true });
  await run(join(copy.path, 'make-secrets.sh'));
  const folder = join(copy.path, 'overlays', overlay);
  const file = join(folder, 'kustomization.yaml');
  const kustomization = parse(await readFile(file, 'utf8')) as Kustomization;
  kustomization.components.push(...components.map((component) => `../../components/${component}`));
  change?.(kustomization);
  await writeFile(file, stringify(kustomization));
  const { stdout } = await run(program, ['build', folder], { maxBuffer: 2 ** 26 });
  return parseAllDocuments(stdout).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return withoutLineEnds(document.toJS() as Manifest);
  });
}

/** kustomize folds long base64 into lines, which Kubernetes reads as one. */
function withoutLineEnds(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret') return manifest;
  const data = Object.entries(manifest['data'] as Record<string, string>).map(([key, value]) => [key, value.replace(/\s/g, '')]);
  return { ...manifest, data: Object.fromEntries(data) };
}
