import { type TarHeader } from '../../tar/tar.header.js';
import { quote, refused } from '../../refusal.js';
import { Folder, pathBytesIn, type Inode, type Node } from './merged-node.js';

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Of AUFS, from which whiteouts come; no part of an image. */
const AUFS = '.wh..wh.';
const MAX_HOPS = 40;
const MAX_PATH = 4096;
const MAX_NAME = 255;
/** Trees are walked by recursion; links make them deeper than any one path is long. */
const MAX_DEPTH = 1024;

/**
 * The files of an image, as its layers, applied one on the other, leave them. It holds their headers, never their content.
 *
 * Paths are followed as within a container: through symbolic links, of which none leads out of the root. In what it gives out, every
 * entry lies in folders only.
 */
export class MergedTree {
  readonly root = new Folder('', null, 0);
  private nodes = 0;

  constructor(private readonly maxNodes: number) {}

  /** The entry numbered `ordinal` of layer number `layer`, which is never lower than that of an entry before. Throws CONTENT_REFUSED. */
  add(header: TarHeader, layer: number, ordinal: number): void {
    if (header.type === 'other') return;
    if (header.linkname.length > MAX_PATH) throw refused(`layer ${layer + 1} holds too long a link: ${quote(header.name)}`);
    if (['symlink', 'link'].includes(header.type) && header.linkname.includes('\ufffd'))
      throw refused(`layer ${layer + 1} holds a link to a name that is not in UTF-8: ${quote(header.name)}`);
    const parts = partsOf(header.name);
    const name = parts.pop();
    if (name === undefined) {
      if (header.type === 'directory') this.root.describe(header, layer);
      return;
    }
    if (name.startsWith(WHITEOUT)) {
      this.whiteOut(parts, name, layer);
      return;
    }
    const folder = this.folderAt(parts, layer, header.name);
    const there = folder.children.get(name);
    if (header.type === 'directory') {
      const kept = there instanceof Folder ? there : this.put(folder, name, new Folder(name, folder, layer));
      kept.describe(header, layer);
      return;
    }
    const inode = header.type === 'link' ? this.linked(header, layer) : { layer, ordinal, header, names: [] };
    // A file may be linked to itself: then it stays.
    if (there && !(there instanceof Folder) && there.inode === inode) return;
    const file = { name, parent: folder, layer, inode };
    this.put(folder, name, file);
    inode.names.push(file);
  }

  delete(path: string): void {
    const node = this.find(path);
    if (node?.parent) this.remove(node);
  }

  /** The node at this path, itself where it is a link; undefined where there is none. */
  find(path: string): Node | undefined {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) return this.root;
    return this.existing(parts)?.children.get(name);
  }

  /** The same, through links. */
  resolve(path: string): Node | undefined {
    return this.walk(partsOf(path), () => undefined);
  }

  private put<T extends Node>(folder: Folder, name: string, node: T): T {
    if (folder.depth >= MAX_DEPTH) throw refused(`the image has folders more than ${MAX_DEPTH} deep`);
    if (pathBytesIn(folder, name) > MAX_PATH) throw refused(`the image has a path of more than ${MAX_PATH} bytes`);
    const there = folder.children.get(name);
    if (there) this.remove(there);
    if (++this.nodes > this.maxNodes) throw refused(`the image has more than ${this.maxNodes} files`);
    folder.children.set(name, node);
    return node;
  }

  private remove(node: Node): void {
    for (const child of node instanceof Folder ? node.children.values() : []) this.remove(child);
    this.nodes--;
    node.parent?.children.delete(node.name);
    if (!(node instanceof Folder)) node.inode.names.splice(node.inode.names.indexOf(node), 1);
  }

  /** A whiteout hides what lower layers have, never what its own layer brings, in whatever order. */
  private whiteOut(parts: string[], name: string, layer: number): void {
    const folder = this.existing(parts);
    if (!folder) return;
    if (name === OPAQUE) this.hideWithin(folder, layer);
    else if (!name.startsWith(AUFS)) {
      const child = folder.children.get(name.slice(WHITEOUT.length));
      if (child) this.hide(child, layer);
    }
  }

  private hide(node: Node, layer: number): void {
    if (node instanceof Folder) this.hideWithin(node, layer);
    if (node.layer < layer && !(node instanceof Folder && node.children.size > 0)) this.remove(node);
  }

  /** Once for a layer: later, all that is left in it is of that layer. */
  private hideWithin(folder: Folder, layer: number): void {
    if (folder.hiddenBy === layer) return;
    folder.hiddenBy = layer;
    for (const child of folder.children.values()) this.hide(child, layer);
  }

  private linked(header: TarHeader, layer: number): Inode {
    const parts = partsOf(header.linkname);
    const name = parts.pop();
    const target = name === undefined ? undefined : this.existing(parts)?.children.get(name);
    const problem = `layer ${layer + 1} links ${quote(header.name)} to ${quote(header.linkname)}`;
    if (!target) throw refused(`${problem}, which the image does not hold`);
    if (target instanceof Folder) throw refused(`${problem}, which is a folder`);
    return target.inode;
  }

  private folderAt(parts: string[], layer: number, name: string): Folder {
    const folder = this.walk(parts, (parent, part, there) => {
      // A file of a lower layer makes way, as it does where the folder has an entry of its own.
      if (there && there.layer >= layer) return undefined;
      return this.put(parent, part, new Folder(part, parent, layer));
    });
    if (!(folder instanceof Folder))
      throw refused(`layer ${layer + 1} holds ${quote(name)} below something that is not a folder`);
    return folder;
  }

  private existing(parts: string[]): Folder | undefined {
    const node = this.walk(parts, () => undefined);
    return node instanceof Folder ? node : undefined;
  }

  /** `make` gives a folder where there is none. */
  private walk(parts: string[], make: (parent: Folder, part: string, there?: Node) => Folder | undefined): Node | undefined {
    const left = [...parts].reverse();
    let at: Folder = this.root;
    for (let hops = 0; left.length > 0;) {
      const part = left.pop()!;
      if (part === '..') {
        at = at.parent ?? at;
        continue;
      }
      let node = at.children.get(part);
      if (node && !(node instanceof Folder) && node.inode.header.type === 'symlink') {
        if (++hops > MAX_HOPS) return undefined;
        const { linkname } = node.inode.header;
        if (linkname.startsWith('/')) at = this.root;
        left.push(...split(linkname).reverse());
        continue;
      }
      if (node && !(node instanceof Folder) && left.length === 0) node = make(at, part, node) ?? node;
      else if (!(node instanceof Folder)) node = make(at, part, node);
      if (!(node instanceof Folder)) return left.length === 0 ? node : undefined;
      at = node;
    }
    return at;
  }
}

const split = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** Names within a layer have no `..`, which inspection refuses too. */
function partsOf(path: string): string[] {
  if (path.length > MAX_PATH) throw refused(`a layer holds a path of more than ${MAX_PATH} bytes: ${quote(path)}`);
  const parts = split(path);
  for (const part of parts) {
    if (part === '..') throw refused(`a layer holds a path that leads out of it: ${quote(path)}`);
    if (Buffer.byteLength(part) > MAX_NAME) throw refused(`a layer holds a name of more than ${MAX_NAME} bytes: ${quote(path)}`);
    if (part.includes('\ufffd')) throw refused(`a layer holds a name that is not in UTF-8: ${quote(path)}`);
  }
  return parts;
}
