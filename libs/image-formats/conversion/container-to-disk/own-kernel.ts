import { type MergedTree } from '../../docker-archive/flatten/merged-tree.js';
import { Folder, pathOf } from '../../docker-archive/flatten/merged-node.js';

/** A kernel and its initial RAM filesystem, as paths in the image, without a leading slash and without links on the way. */
export interface OwnKernel {
  kernel: string;
  initrd: string;
  /** Both together. */
  bytes: number;
}

const INITS = ['sbin/init', 'lib/systemd/systemd', 'usr/lib/systemd/systemd'];

/** The newest kernel in /boot that has an initial RAM filesystem, where the image has an init as well: such an image is a whole system and boots as one. */
export function ownKernel(tree: MergedTree): OwnKernel | null {
  const boot = tree.resolve('boot');
  if (!(boot instanceof Folder) || !INITS.some((path) => fileAt(tree, path))) return null;
  const versions = [...boot.children.keys()].flatMap((name) => /^vmlinuz-(.+)$/.exec(name)?.[1] ?? []);
  versions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  for (const version of versions) {
    const kernel = fileAt(tree, `boot/vmlinuz-${version}`);
    const initrd = initrdsOf(version)
      .map((name) => fileAt(tree, `boot/${name}`))
      .find((file) => file !== null);
    if (kernel && initrd) return { kernel: kernel.path, initrd: initrd.path, bytes: kernel.bytes + initrd.bytes };
  }
  return null;
}

/** As Debian, Fedora, Arch or SUSE, and Alpine call it. */
const initrdsOf = (version: string): string[] => [
  `initrd.img-${version}`,
  `initramfs-${version}.img`,
  `initrd-${version}`,
  `initramfs-${version}`,
];

function fileAt(tree: MergedTree, path: string): { path: string; bytes: number } | null {
  const node = tree.resolve(path);
  if (!node || node instanceof Folder || node.inode.header.type !== 'file' || node.inode.header.size === 0) return null;
  return { path: pathOf(node), bytes: node.inode.header.size };
}
