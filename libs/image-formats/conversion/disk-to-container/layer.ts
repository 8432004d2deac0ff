import { basename } from 'node:path/posix';
import { refused } from '../../refusal.js';
import { encodeTarEntry, TAR_END, tarPadding } from '../../tar/tar.encoder.js';
import { type ArchiveFile } from './archive.file.js';
import { layerEntry } from './layer.entry.js';
import { type LinuxTree, type TreeNode } from './linux-tree.js';
import { shown, walk } from './tree.walk.js';

/** Paths of files with several names, until all of them were met. */
const MAX_KEPT_BYTES = 2 ** 27;

export interface LayerOptions {
  /** Paths that are left out, with all below them. */
  without: readonly string[];
  signal: AbortSignal;
  log(text: string): void;
  /** Called now and then. */
  onProgress(): void;
}

/** What a layer came to. */
export interface LayerSummary {
  entries: number;
  /** Seconds since 1970. */
  newest: number;
}

/** Appends the tree as a tar archive. Of what has several names, the first is the file, and the others links to it. */
export async function appendLayer(file: ArchiveFile, tree: LinuxTree, options: LayerOptions): Promise<LayerSummary> {
  const names = new FirstNames();
  const summary: LayerSummary = { entries: 0, newest: 0 };
  for await (const node of walk(tree, (candidate) => isLeftOut(candidate, options))) {
    options.signal.throwIfAborted();
    const entry = await layerEntry(node);
    if (!entry) continue;
    if (node.inode.type === 'directory' && (await isEmptyLostAndFound(tree, node))) continue;
    const first = node.inode.type === 'directory' ? undefined : names.firstOf(node);
    if (first !== undefined)
      await file.append(encodeTarEntry({ ...entry, type: 'link', linkname: first, size: 0, attributes: [] }));
    else {
      file.requireRoom(entry.size ?? 0);
      await file.append(encodeTarEntry(entry));
      if (entry.type === 'file') await appendContent(file, node, options);
    }
    summary.entries++;
    summary.newest = Math.max(summary.newest, entry.mtime.seconds);
  }
  await file.append(TAR_END);
  return summary;
}

async function appendContent(file: ArchiveFile, { filesystem, inode }: TreeNode, options: LayerOptions): Promise<void> {
  for await (const part of filesystem.content(inode)) {
    options.signal.throwIfAborted();
    if (part.kind === 'data') await file.append(part.bytes);
    else await file.appendZeros(part.length);
    options.onProgress();
  }
  await file.append(tarPadding(inode.size));
}

/** A name that begins so is an order to an engine: to delete what is in the layers below. */
function isLeftOut({ path }: TreeNode, { without, log }: LayerOptions): boolean {
  if (without.includes(path)) return true;
  if (!basename(path).startsWith('.wh.')) return false;
  log(`${shown(path)} was left out: an engine would take such a name for an order to delete`);
  return true;
}

/** The filesystem's own, not the system's. */
async function isEmptyLostAndFound(tree: LinuxTree, node: TreeNode): Promise<boolean> {
  return node.path === 'lost+found' && (await tree.children(node)).length === 0;
}

class FirstNames {
  private readonly filesystems = new Map<TreeNode['filesystem'], Map<number, { path: string; left: number }>>();
  private bytes = 0;

  /** The name under which this was met first; undefined where this is it. */
  firstOf({ filesystem, inode, path }: TreeNode): string | undefined {
    if (inode.links < 2) return undefined;
    const names = this.filesystems.get(filesystem) ?? new Map<number, { path: string; left: number }>();
    this.filesystems.set(filesystem, names);
    const first = names.get(inode.number);
    if (!first) {
      this.bytes += path.length;
      if (this.bytes > MAX_KEPT_BYTES) throw refused('the disk holds too many files with several names');
      names.set(inode.number, { path, left: inode.links - 1 });
      return undefined;
    }
    if (--first.left === 0) {
      names.delete(inode.number);
      this.bytes -= first.path.length;
    }
    return first.path;
  }
}
