import { invalid, quote, refused } from '../../refusal.js';
import { type LinuxTree, type TreeNode } from './linux-tree.js';

export interface WalkLimits {
  maxEntries: number;
  /** Of names within names. */
  maxDepth: number;
  /** Of a path, as Linux has it. */
  maxPathBytes: number;
}

export const WALK_LIMITS: WalkLimits = { maxEntries: 5_000_000, maxDepth: 1_000, maxPathBytes: 4_000 };

/**
 * Every entry of the tree, each folder before what is in it, in the order of the names' bytes; `skip` leaves one out, with all below it.
 * Throws CONTENT_INVALID for a folder that is met twice, as no sound filesystem has it, CONTENT_REFUSED beyond the limits.
 */
export async function* walk(
  tree: LinuxTree,
  skip: (node: TreeNode) => boolean,
  limits: WalkLimits = WALK_LIMITS,
): AsyncGenerator<TreeNode> {
  const met = new Map<TreeNode['filesystem'], Set<number>>();
  let entries = 0;

  const enter = (node: TreeNode): void => {
    const folders = met.get(node.filesystem) ?? new Set();
    if (folders.has(node.inode.number)) throw invalid(`the filesystem is damaged: ${shown(node.path)} contains itself`);
    met.set(node.filesystem, folders.add(node.inode.number));
  };
  const below = async function* (folder: TreeNode, depth: number): AsyncGenerator<TreeNode> {
    if (depth > limits.maxDepth) throw refused(`folders lie within each other more than ${limits.maxDepth} deep, the limit here`);
    for (const entry of await tree.children(folder)) {
      const node = await tree.child(folder, entry);
      if (skip(node)) continue;
      if (++entries > limits.maxEntries) throw refused(`the disk holds more than ${limits.maxEntries} files, the limit here`);
      if (node.path.length > limits.maxPathBytes) throw refused(`the path ${shown(node.path)} is too long for a container`);
      if (node.inode.type === 'directory') enter(node);
      yield node;
      if (node.inode.type === 'directory') yield* below(node, depth + 1);
    }
  };

  const root = await tree.root();
  if (root.inode.type !== 'directory') throw invalid('the filesystem is damaged: its root is no folder');
  enter(root);
  yield root;
  yield* below(root, 1);
}

/** A path for a message. */
export const shown = (path: string): string => quote(`/${Buffer.from(path, 'latin1').toString()}`);
