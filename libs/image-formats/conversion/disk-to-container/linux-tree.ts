import { type Ext4Filesystem } from '../../ext4/ext4.filesystem.js';
import { type Inode } from '../../ext4/ext4.inode.js';
import { invalid } from '../../refusal.js';

const MAX_HOPS = 40;
const MAX_READ_BYTES = 2 ** 20;

/** An inode in its filesystem, at its path in the tree: no leading slash; '' is the root. One character for each byte. */
export interface TreeNode {
  filesystem: Ext4Filesystem;
  inode: Inode;
  path: string;
}

/** The files of a Linux system: its root filesystem, and those that are mounted into it, by the paths of their mount points. */
export class LinuxTree {
  constructor(
    readonly filesystem: Ext4Filesystem,
    private readonly mounts: ReadonlyMap<string, Ext4Filesystem> = new Map(),
  ) {}

  async root(): Promise<TreeNode> {
    return { filesystem: this.filesystem, inode: await this.filesystem.root(), path: '' };
  }

  /** In the order of their names' bytes. */
  async children(folder: TreeNode): Promise<{ name: string; inode: number }[]> {
    const entries = await folder.filesystem.entries(folder.inode);
    return entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  /** What is mounted there, where something is. */
  async child(folder: TreeNode, entry: { name: string; inode: number }): Promise<TreeNode> {
    const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
    const inode = await folder.filesystem.inode(entry.inode);
    const mounted = inode.type === 'directory' ? this.mounts.get(path) : undefined;
    if (mounted) return { filesystem: mounted, inode: await mounted.root(), path };
    return { filesystem: folder.filesystem, inode, path };
  }

  /** What a program would find at this path, through symbolic links; undefined where there is nothing. */
  async find(path: string): Promise<TreeNode | undefined> {
    const left = path.split('/').reverse();
    const above = [await this.root()];
    for (let hops = 0; left.length > 0;) {
      const name = left.pop()!;
      const folder = above.at(-1)!;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        if (above.length > 1) above.pop();
        continue;
      }
      if (folder.inode.type !== 'directory') return undefined;
      const entry = (await folder.filesystem.entries(folder.inode)).find((candidate) => candidate.name === name);
      if (!entry) return undefined;
      const node = await this.child(folder, entry);
      if (node.inode.type !== 'symlink') {
        above.push(node);
        continue;
      }
      if (++hops > MAX_HOPS) return undefined;
      const target = await node.filesystem.linkTarget(node.inode);
      if (target.startsWith('/')) above.splice(1);
      left.push(...target.split('/').reverse());
    }
    return above.at(-1);
  }

  /** The content of a small file; undefined where there is none. Throws CONTENT_INVALID for one over `maxBytes`. */
  async readFile(path: string, maxBytes = MAX_READ_BYTES): Promise<Buffer | undefined> {
    const node = await this.find(path);
    if (node?.inode.type !== 'file') return undefined;
    if (node.inode.size > maxBytes) throw invalid(`/${path} on the disk is larger than ${maxBytes} bytes`);
    return node.filesystem.allOf(node.inode);
  }
}
