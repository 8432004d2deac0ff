import { type Attribute } from '../../ext4/ext4.xattrs.js';
import { type Inode } from '../../ext4/ext4.inode.js';
import { invalid } from '../../refusal.js';
import { type NewTarEntry } from '../../tar/tar.encoder.js';
import { type TreeNode } from './linux-tree.js';
import { shown } from './tree.walk.js';

/** Access control lists, what programs keep of their own, and what lets one do a part of what root may: the rest is for the machine that it was on. */
const KEPT_ATTRIBUTES = /^(user\.|security\.capability$|system\.posix_acl_)/;
/** PAX ends a name there, and takes an empty value for none. */
const isWritable = ({ name, value }: Attribute) => !name.includes('=') && value.length > 0;

/** A node as an entry of a layer; undefined for a socket, which is nothing without its program. Throws CONTENT_INVALID. */
export async function layerEntry(node: TreeNode): Promise<NewTarEntry | undefined> {
  const { filesystem, inode, path } = node;
  const { mode, uid, gid, mtime, device } = inode;
  const type = typeOf(inode, path);
  if (type === undefined) return undefined;
  const isDevice = type === 'character-device' || type === 'block-device';
  return {
    ...{ type, mode, uid, gid, mtime },
    name: type === 'directory' ? `${path || '.'}/` : path,
    ...(type === 'file' && { size: inode.size }),
    ...(type === 'symlink' && { linkname: await filesystem.linkTarget(inode) }),
    ...(isDevice && { device }),
    attributes: await keptAttributes(node),
  };
}

async function keptAttributes({ filesystem, inode }: TreeNode): Promise<Attribute[]> {
  const attributes = await filesystem.attributes(inode);
  return attributes
    .filter((attribute) => KEPT_ATTRIBUTES.test(attribute.name) && isWritable(attribute))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function typeOf({ type, links }: Inode, path: string): Exclude<NewTarEntry['type'], 'link'> | undefined {
  if (type === 'unknown' || links === 0) throw invalid(`the filesystem is damaged: ${shown(path)} has been deleted`);
  return type === 'socket' ? undefined : type;
}
