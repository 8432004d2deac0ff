import { type Ext4Filesystem } from '../../ext4/ext4.filesystem.js';
import { quote, refused } from '../../refusal.js';
import { CONTAINER_RECORD_PATH } from '../container-record.js';
import { isMeant, parseFstab } from './fstab.js';
import { type LinuxRoot } from './linux-root.js';
import { LinuxTree } from './linux-tree.js';
import { shown } from './tree.walk.js';
import { type Volume } from './volumes.js';

export interface Mount {
  path: string;
  volume: Volume;
  filesystem: Ext4Filesystem;
}

/** Folders without which a system is not itself. */
const ESSENTIAL = /^(?:usr(?:\/.*)?|etc|bin|sbin|lib(?:32|64|x32)?|opt|var)$/s;

/**
 * What `/etc/fstab` mounts of this same disk. What it mounts besides, and cannot be read, is logged; throws CONTENT_REFUSED where the system is not whole
 * without it. A disk that was made of a container image has all of it in one filesystem, whatever the image's own `/etc/fstab` says.
 */
export async function mountsOf(root: LinuxRoot, volumes: readonly Volume[], log: (text: string) => void): Promise<Mount[]> {
  const tree = new LinuxTree(root.filesystem);
  const fstab = await tree.readFile('etc/fstab');
  const isWhole = (await tree.find(CONTAINER_RECORD_PATH)) !== undefined;
  const mounts = new Map<string, Mount>();
  const taken = new Set<Volume>([root.volume]);
  for (const { device, path, optional } of parseFstab(fstab?.toString('latin1') ?? '')) {
    const volume = volumes.find((candidate) => isMeant(candidate, device));
    if (volume?.filesystem && !taken.has(volume) && !mounts.has(path)) {
      taken.add(volume);
      mounts.set(path, { path, volume, filesystem: volume.filesystem });
    } else if (!volume?.filesystem && !optional && !isWhole && !mounts.has(path) && ESSENTIAL.test(path)) {
      throw refused(`the system is not whole: /etc/fstab mounts ${quote(device)} at ${shown(path)}, but ${whyNot(volume)}`);
    } else if (!volume || !taken.has(volume)) log(`/${path} was left out: ${whyNot(volume)}`);
  }
  return [...mounts.values()];
}

function whyNot(volume: Volume | undefined): string {
  if (!volume) return 'that is not on this disk, or in a format that is not read here';
  return volume.fault ? `${volume.name} cannot be read: ${volume.fault.message}` : `${volume.name} is ${volume.contents}`;
}
