import { DEFAULT_LIMITS } from '../../inspection.js';
import { quote, refused } from '../../refusal.js';
import { type TarHeader } from '../../tar/tar.header.js';
import { piecesOf } from '../../tar/tar.reader.js';
import { TAR_END, tarPadding } from '../../tar/tar.encoder.js';
import { tarHeader } from '../../tar/tar.writer.js';
import { type OpenedImage } from './image.layers.js';
import { Folder, pathOf, type Inode, type Node } from './merged-node.js';
import { MergedTree } from './merged-tree.js';

/** More would not fit into memory. */
const MAX_FILES = 1_000_000;
const BLOCK = 4096;
/** To read and write, for the owner. */
const OWNER = 0o600;

/** The root filesystem of an image, its layers merged. */
export interface FlatImage {
  tree: MergedTree;
  /** Files, folders and all else, hard links not counted. */
  inodes: number;
  /** What the content of its files takes in blocks of 4096 bytes, each folder a block. */
  bytes: number;
  /**
   * One tar archive: all folders first, then the rest in the order of the layers, and last what is `added` (whole entries). Hard links follow
   * what they link to. With `ownerReads`, the owner may read and write every file, also those `withheld`.
   */
  tar(added?: Iterable<Buffer>, how?: { ownerReads: boolean }): AsyncGenerator<Buffer>;
  /** Files that by their mode not even their owner may read and write. */
  withheld(): Iterable<{ path: string; mode: number }>;
  /** The extended attributes, which are in the tar archive as well. */
  xattrs(): Iterable<{ path: string; xattrs: ReadonlyMap<string, Buffer> }>;
}

/** Reads every layer once; `tar` reads them again. No layer's content is ever held. Throws CONTENT_REFUSED for what cannot be laid out as files. */
export async function flatten(
  { layers }: Pick<OpenedImage, 'layers'>,
  { leaveOut = [], signal }: { leaveOut?: readonly string[]; signal?: AbortSignal } = {},
): Promise<FlatImage> {
  const tree = new MergedTree(MAX_FILES);
  for (const [layer, open] of layers.entries()) {
    let ordinal = 0;
    for await (const piece of piecesOf(open(), 'open')) {
      if (piece.kind !== 'entry') continue;
      signal?.throwIfAborted();
      tree.add(piece.header, layer, ordinal++);
    }
  }
  for (const path of leaveOut) tree.delete(path);
  const inodes = layers.map(() => new Map<number, Inode>());
  let folders = 0;
  let bytes = 0;
  for (const node of everything(tree.root)) {
    if (node instanceof Folder) folders++;
    else if (!inodes[node.inode.layer]!.has(node.inode.ordinal)) {
      const { layer, ordinal, header } = node.inode;
      if (header.sparse)
        throw refused(`layer ${layer + 1} holds a sparse file, which cannot be converted: ${quote(header.name)}`);
      inodes[layer]!.set(ordinal, node.inode);
      bytes += Math.ceil(header.size / BLOCK) * BLOCK;
    }
  }
  if (bytes > DEFAULT_LIMITS.maxExpandedBytes) throw refused('the image is too large to be converted');
  return {
    tree,
    inodes: folders + inodes.reduce((sum, ofLayer) => sum + ofLayer.size, 0),
    bytes: bytes + folders * BLOCK,
    *xattrs() {
      for (const node of everything(tree.root)) {
        const xattrs = node instanceof Folder ? node.header?.xattrs : node.inode.header.xattrs;
        if (xattrs) yield { path: pathOf(node) || '.', xattrs };
      }
    },
    *withheld() {
      for (const { header, names } of inodes.flatMap((ofLayer) => [...ofLayer.values()])) {
        if (header.type === 'file' && (header.mode & OWNER) !== OWNER)
          yield { path: pathOf(names[0]!), mode: header.mode & 0o7777 };
      }
    },
    async *tar(added = [], { ownerReads } = { ownerReads: false }) {
      yield* foldersOf(tree.root);
      const more = ownerReads ? OWNER : 0;
      for (const [layer, open] of layers.entries()) yield* filesOf(open(), inodes[layer]!, more);
      yield* added;
      yield TAR_END;
    },
  };
}

/** Parents before what lies in them. */
function* everything(root: Folder): Generator<Node> {
  const left: Node[] = [root];
  for (let node = left.pop(); node; node = left.pop()) {
    yield node;
    if (node instanceof Folder) for (const child of [...node.children.values()].reverse()) left.push(child);
  }
}

const UNSAID: Omit<TarHeader, 'name' | 'flag'> = {
  ...{ size: 0, type: 'directory', linkname: '', mode: 0o755, mtime: 0, uid: 0, gid: 0, device: { major: 0, minor: 0 } },
};

function* foldersOf(root: Folder): Generator<Buffer> {
  for (const node of everything(root)) {
    if (node instanceof Folder) yield tarHeader({ ...(node.header ?? UNSAID), name: `${pathOf(node) || '.'}/` });
  }
}

async function* filesOf(layer: AsyncIterable<Buffer>, wanted: ReadonlyMap<number, Inode>, more: number): AsyncGenerator<Buffer> {
  let ordinal = 0;
  let left = wanted.size;
  let inode: Inode | undefined;
  const linksToIt = function* () {
    const [first, ...others] = inode?.names ?? [];
    for (const name of others) {
      const link = { type: 'link', size: 0, name: pathOf(name), linkname: pathOf(first!), xattrs: undefined } as const;
      yield tarHeader({ ...inode!.header, ...link });
    }
    inode = undefined;
  };
  for await (const piece of piecesOf(layer, 'open')) {
    if (piece.kind === 'entry') {
      yield* linksToIt();
      if (left === 0) return;
      inode = wanted.get(ordinal++);
      if (!inode) continue;
      left--;
      const { header } = inode;
      const mode = header.type === 'file' ? header.mode | more : header.mode;
      yield tarHeader({ ...header, mode, name: pathOf(inode.names[0]!) });
    } else if (inode && piece.kind === 'body') yield piece.bytes;
    else if (inode && piece.kind === 'padding') yield tarPadding(inode.header.size).subarray(0, piece.bytes.length);
  }
  yield* linksToIt();
}
