import { type TarHeader } from '../../tar/tar.header.js';

export type Node = Folder | FileName;

/** A name of something that is no folder; hard links are names of one inode. */
export interface FileName {
  name: string;
  parent: Folder;
  layer: number;
  inode: Inode;
}

export interface Inode {
  layer: number;
  /** Which entry of the layer has its content. */
  ordinal: number;
  header: TarHeader;
  /** None: a later layer has replaced or deleted it. */
  names: FileName[];
}

/** Also one that no layer has an entry for, but in which something lies. */
export class Folder {
  readonly children = new Map<string, Node>();
  header: TarHeader | null = null;
  /** The layer that has last hidden what lower ones had in it. */
  hiddenBy = 0;
  readonly depth: number;
  /** With a slash before each name. */
  readonly pathBytes: number;

  constructor(
    readonly name: string,
    readonly parent: Folder | null,
    /** The highest that has an entry for it. */
    public layer: number,
  ) {
    this.depth = parent ? parent.depth + 1 : 0;
    this.pathBytes = parent ? pathBytesIn(parent, name) : 0;
  }

  describe(header: TarHeader, layer: number): void {
    this.header = header;
    this.layer = layer;
  }
}

export const pathBytesIn = (folder: Folder, name: string): number => folder.pathBytes + 1 + Buffer.byteLength(name);

/** From the root, without a leading slash. */
export function pathOf(node: Node): string {
  const parts: string[] = [];
  for (let at: Node | null = node; at?.parent; at = at.parent) parts.push(at.name);
  return parts.reverse().join('/');
}
