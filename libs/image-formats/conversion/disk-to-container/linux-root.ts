import { ViceError } from '#libs/errors';
import { type Ext4Filesystem } from '../../ext4/ext4.filesystem.js';
import { refused } from '../../refusal.js';
import { CONTAINER_RECORD_PATH } from '../container-record.js';
import { LinuxTree } from './linux-tree.js';
import { type Volume } from './volumes.js';

export interface LinuxRoot {
  volume: Volume;
  filesystem: Ext4Filesystem;
}

/** Where programs are. One of them at least beside `/etc` makes a root; `/usr` may be a mere mount point. */
const PROGRAMS = ['usr', 'bin', 'sbin/init'];

/**
 * The volume that holds the system: one that was made of a container image, or that has what a Linux root has; the largest, where there are several.
 * Throws CONTENT_REFUSED with what the disk holds instead, or the fault of a filesystem that cannot be read.
 */
export async function findLinuxRoot(volumes: readonly Volume[], log: (text: string) => void): Promise<LinuxRoot> {
  const roots: (LinuxRoot & { rank: number })[] = [];
  for (const volume of volumes) {
    if (!volume.filesystem) continue;
    const rank = await rankOf(volume.filesystem);
    if (rank > 0) roots.push({ volume, filesystem: volume.filesystem, rank });
  }
  const [root, second] = roots.sort((a, b) => b.rank - a.rank || usedBytes(b.filesystem) - usedBytes(a.filesystem));
  if (!root) throw nothingFound(volumes);
  if (second) log(`${second.volume.name} holds a Linux system too; the one in ${root.volume.name} was taken`);
  return root;
}

export function usedBytes({ superblock }: Ext4Filesystem): number {
  return Math.max(0, superblock.blockCount - superblock.freeBlocks) * superblock.blockSize;
}

async function rankOf(filesystem: Ext4Filesystem): Promise<number> {
  const tree = new LinuxTree(filesystem);
  if (await tree.find(CONTAINER_RECORD_PATH)) return 3;
  const folder = await tree.find('etc');
  if (folder?.inode.type !== 'directory') return 0;
  for (const path of PROGRAMS) if (await tree.find(path)) return (await tree.find('etc/os-release')) ? 2 : 1;
  return 0;
}

function nothingFound(volumes: readonly Volume[]): ViceError {
  const unreadable = volumes.find(({ fault }) => fault);
  if (unreadable?.fault) {
    const { code, message } = unreadable.fault;
    return new ViceError(code, `${unreadable.name} cannot be read: ${message}`, { cause: unreadable.fault });
  }
  const found = volumes.map((volume) => `${volume.name} ${describe(volume)}`).join(', ');
  return refused(`the disk holds no Linux filesystem that can be read here: ${found}; ext2, ext3 and ext4 can be`);
}

function describe({ contents, filesystem }: Volume): string {
  if (filesystem) return `is ${filesystem.superblock.version} without a Linux system`;
  if (contents === 'nothing') return 'is empty';
  return `is ${contents}`;
}
