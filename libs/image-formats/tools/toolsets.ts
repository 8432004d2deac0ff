import { TOOLSETS, type Toolset } from '#libs/contracts';
import { NEEDS } from '../conversion/container-to-disk/needs.js';
import { findProgram, isReadable } from './programs.js';

/** What a toolset consists of: programs by their name, files by their path. */
const PARTS: Readonly<Record<Toolset, { programs: readonly string[]; files: readonly string[] }>> = {
  'qemu-img': { programs: ['qemu-img'], files: [] },
  'container-disk': { programs: NEEDS.programs, files: Object.values(NEEDS.files) },
};

/** What of each toolset is missing on this machine, by name or path; nothing where it is complete. scripts/install-tools.sh installs it. */
export async function availableToolsets(): Promise<{ toolset: Toolset; missing: string[] }[]> {
  return Promise.all(TOOLSETS.map(async (toolset) => ({ toolset, missing: await missingOf(toolset) })));
}

/** What keeps tools from everything that is not their business. Without it they work all the same, so that it is part of no toolset. */
export async function missingSandbox(): Promise<string[]> {
  return (await findProgram('bwrap')) === null ? ['bwrap'] : [];
}

async function missingOf(toolset: Toolset): Promise<string[]> {
  const { programs, files } = PARTS[toolset];
  const parts = [
    ...programs.map(async (name) => ({ part: name, isThere: (await findProgram(name)) !== null })),
    ...files.map(async (path) => ({ part: path, isThere: await isReadable(path) })),
  ];
  return (await Promise.all(parts)).filter(({ isThere }) => !isThere).map(({ part }) => part);
}
