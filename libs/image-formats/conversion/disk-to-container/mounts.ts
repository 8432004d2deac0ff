import { type Ext4Filesystem } from '../../ext4/ext4.filesystem.js';
import { isMeant, parseFstab } from './fstab.js';
import { type LinuxRoot } from './linux-root.js';
import { LinuxTree } from './linux-tree.js';
import { type Volume } from './volumes.js';

export interface Mount {
  path: string;
  volume: Volume;
  filesystem: Ext4Filesystem;
}

/** What `/etc/fstab` mounts of this same disk. What it mounts besides, and cannot be read, is logged. */
export async function mountsOf(root: LinuxRoot, volumes: readonly Volume[], log: (text: string) => void): Promise<Mount[]> {
  const fstab = await new LinuxTree(root.filesystem).readFile('etc/fstab');
  const mounts = new Map<string, Mount>();
  const taken = new Set<Volume>([root.volume]);
  for (const { device, path } of parseFstab(fstab?.toString('latin1') ?? '')) {
    const volume = volumes.find((candidate) => isMeant(candidate, device));
    if (volume?.filesystem && !taken.has(volume) && !mounts.has(path)) {
      taken.add(volume);
      mounts.set(path, { path, volume, filesystem: volume.filesystem });
    } else if (!volume || !taken.has(volume)) log(`/${path} was left out: ${whyNot(volume)}`);
  }
  return [...mounts.values()];
}

function whyNot(volume: Volume | undefined): string {
  if (!volume) return 'what /etc/fstab mounts there is not on this disk, or in a format that is not read here';
  return volume.fault ? `${volume.name} cannot be read: ${volume.fault.message}` : `${volume.name} is ${volume.contents}`;
}
